using Cogo.Cli;
using Cogo.Core.Database.Embedded;
using Cogo.Core.Workflows;
using Cogo.Tests.EndToEnd;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Workspaces;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Cogo.Tests.Workflows;

/// <summary>All of Cogo in this process on a database of its own, and a repository whose bug a command can mend.</summary>
public sealed class WorkflowSystem : IAsyncLifetime
{
    /// <summary>Red at first; told what failed, green.</summary>
    public const string MendsWhenTold =
        "if [ \"$COGO_REPAIR\" = 0 ]; then git apply bad.patch; else git apply -R bad.patch && git apply good.patch && echo \"$COGO_TASK\" > TOLD; fi";

    private readonly TemporaryFolder _folder = new();
    private CogoSystem? _system;

    public TestDatabase Database { get; private set; } = null!;

    public WorkflowClient Client { get; private set; } = null!;

    public IServiceProvider Services => _system!.Services;

    internal GitRepository Repository { get; private set; } = null!;

    public string Folder => _folder.Path;

    public async ValueTask InitializeAsync()
    {
        Database = await PostgresServers.CreateDatabaseAsync();
        Repository = SampleRepository.Create("shell", _folder.Path);
        _system = await CogoSystem.StartAsync(
            new CogoSystemOptions
            {
                ConnectionString = Database.ConnectionString,
                Postgres = new EmbeddedPostgresOptions(),
                Folder = _folder.In(".cogo"),
                ArtifactsFolder = _folder.In(".cogo", "artifacts"),
                WorkFolder = _folder.In(".cogo", "work"),
            },
            CancellationToken.None);
        Client = new WorkflowClient(_system.Address);
    }

    public WorkflowReader Reader => Services.GetRequiredService<WorkflowReader>();

    /// <summary>A run of a command on the sample.</summary>
    public object Command(string command, int? maxRepairs = null, string template = "codeBuildTest") =>
        new { template, repo = Repository.Folder, engine = "command", command, task = "Compare by numbers.", max_repairs = maxRepairs };

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        if (_system is not null)
        {
            await _system.DisposeAsync();
        }

        await Database.DisposeAsync();
        _folder.Dispose();
    }
}
