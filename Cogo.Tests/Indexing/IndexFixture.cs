using Cogo.Core.Indexing;
using Cogo.Core.Workspaces;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Workspaces;
using Cogo.Workers.Indexing;

namespace Cogo.Tests.Indexing;

/// <summary>A user's repository and an index of it: real git, real Postgres, the real analyzers.</summary>
internal sealed class IndexFixture : IAsyncDisposable
{
    private readonly WorkspaceFixture _workspace = new();

    private IndexFixture(TestDatabase database)
    {
        Database = database;
        Index = new CodeIndex(database.DataSource);
    }

    public TestDatabase Database { get; }

    public CodeIndex Index { get; }

    public GitRepository Repository => _workspace.Repository;

    public WorkspaceOptions Workspaces => _workspace.Options;

    public KgScope Scope { get; set; } = KgScope.Default;

    public CtagsOptions Ctags { get; set; } = new();

    public static async Task<IndexFixture> CreateAsync(int postgres = PostgresServers.Newest) => new(await PostgresServers.CreateDatabaseAsync(postgres));

    public string In(string name) => _workspace[name];

    public RepositoryIndexer Indexer() => new(
        _workspace.Cache, Scope, Database.DataSource, [new CSharpAnalyzer(TimeProvider.System), new CtagsAnalyzer(Ctags, Workspaces)], TimeProvider.System);

    public Task<IndexResult> IndexAsync(string? revision = null, string subfolder = "") =>
        Indexer().IndexAsync(Path.Combine(Repository.Folder, subfolder), revision, null, CancellationToken.None);

    public async Task<IndexResult> CommitAndIndexAsync(params (string Path, string Content)[] files)
    {
        foreach (var (path, content) in files)
            Repository.Write(path, content);
        Repository.Commit("more");
        return await IndexAsync();
    }

    /// <summary>Everything that a query finds, page by page: <c>path:line name</c>, or the path alone.</summary>
    public async Task<List<string>> SearchAsync(string query, string? type = null, int pageSize = 3)
    {
        var found = new List<string>();
        string? cursor = null;
        do
        {
            var page = await Index.SearchAsync(null, query, type, pageSize, cursor, CancellationToken.None);
            found.AddRange(page.Rows.Select(hit => hit.Name is null ? hit.Path : $"{hit.Path}:{hit.Line} {hit.Name}"));
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        return found;
    }

    public async Task<List<string>> UsesAsync(string name) =>
        [.. (await Index.UsesAsync(null, name, 100, null, CancellationToken.None)).Rows.Select(use => $"{use.Path}: {string.Join(',', use.Lines)}").Order(StringComparer.Ordinal)];

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        _workspace.Dispose();
    }
}
