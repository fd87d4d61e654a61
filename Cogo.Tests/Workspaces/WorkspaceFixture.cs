using System.Text;
using Cogo.Core.Workspaces;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Cogo.Tests.Workspaces;

/// <summary>A work folder and a user's repository, for one test.</summary>
internal sealed class WorkspaceFixture : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public WorkspaceFixture()
    {
        Options = new WorkspaceOptions { WorkFolder = _folder.In("work") };
        Repository = new GitRepository(_folder.In("repo"));
        Cache = NewCache();
    }

    public WorkspaceOptions Options { get; }

    public RepositoryCache Cache { get; }

    public GitRepository Repository { get; }

    public string this[string name] => _folder.In(name);

    public RepositoryCache NewCache() => new(Options, TimeProvider.System, NullLogger<RepositoryCache>.Instance);

    public Task<WorkingCopy> CheckOutAsync(string? revision = null, string subfolder = "") =>
        Cache.CheckOutAsync(Path.Combine(Repository.Folder, subfolder), revision, TestContext.Current.CancellationToken);

    public static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static string Text(WorkingCopyChange change) => Encoding.UTF8.GetString(change.Diff.Span);

    public static async Task<WorkspaceException> RefusedAsync(string code, Func<Task> action)
    {
        var refused = await Assert.ThrowsAsync<WorkspaceException>(action);
        Assert.True(code == refused.Code, $"expected {code}, got {refused.Code}: {refused.Message}");
        return refused;
    }

    public void Dispose() => _folder.Dispose();
}
