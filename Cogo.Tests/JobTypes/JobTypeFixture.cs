using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Artifacts;
using Cogo.Core.Jobs;
using Cogo.Tests.Fixtures;
using Cogo.Workers.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Cogo.Tests.JobTypes;

/// <summary>The job types as a worker has them, with artifacts on disk and their rows in Postgres.</summary>
internal sealed class JobTypeFixture : IAsyncDisposable
{
    private readonly TestDatabase _database;
    private readonly TemporaryFolder _folder;
    private readonly ServiceProvider _services;
    private long _jobs;

    private JobTypeFixture(TestDatabase database, TemporaryFolder folder, ServiceProvider services) =>
        (_database, _folder, _services) = (database, folder, services);

    public TemporaryFolder Folder => _folder;

    public static async Task<JobTypeFixture> StartAsync(params (string Name, string? Value)[] settings)
    {
        var folder = new TemporaryFolder();
        var database = await PostgresServers.CreateDatabaseAsync();
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(database.DataSource);
        var configuration = Settings.Of([.. settings, ("ARTIFACTS_BASE", folder.In("artifacts"))]);
        services.AddCogoArtifacts(configuration);
        services.AddCogoJobTypes(configuration);
        return new JobTypeFixture(database, folder, services.BuildServiceProvider());
    }

    public T Service<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public TestJobContext Job(string type, object payload, int attempt = 1) => new(Service<IArtifactStore>())
    {
        Id = ++_jobs,
        Type = type,
        Queue = "default",
        Payload = payload as JsonElement? ?? JsonSerializer.SerializeToElement(payload, CogoJson.Options),
        Attempt = attempt,
        MaxAttempts = 3,
        TraceId = Guid.NewGuid().ToString("N"),
        Logger = NullLogger.Instance,
    };

    public Task<JobOutcome> RunAsync(TestJobContext job, CancellationToken cancellationToken = default) =>
        Assert.Single(_services.GetServices<IJobHandler>(), handler => handler.Type == job.Type).RunAsync(job, cancellationToken);

    public Task<JobOutcome> RunAsync(string type, object payload) => RunAsync(Job(type, payload));

    /// <summary>The result as it would be kept with the job.</summary>
    public static JsonElement Result(JobOutcome outcome) =>
        JsonSerializer.SerializeToElement(Assert.IsType<JobOutcome.Succeeded>(outcome).Result, CogoJson.Options);

    public static JobOutcome.Failed Failed(string code, JobOutcome outcome)
    {
        var failed = Assert.IsType<JobOutcome.Failed>(outcome);
        Assert.Equal(code, failed.Code);
        return failed;
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _database.DisposeAsync();
        _folder.Dispose();
    }
}
