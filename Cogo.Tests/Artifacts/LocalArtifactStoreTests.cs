using Cogo.Core.Artifacts;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Artifacts;

public sealed class LocalArtifactStoreTests : ArtifactStoreConformance
{
    private readonly TemporaryFolder _folder = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Nothing_is_written_through_a_symbolic_link()
    {
        Directory.CreateDirectory(_folder.In("artifacts"));
        Directory.CreateDirectory(_folder.In("outside"));
        Directory.CreateSymbolicLink(_folder.In("artifacts", "task"), _folder.In("outside"));

        var refused = await Assert.ThrowsAsync<IOException>(() => SaveAsync("task/a.txt", "x"));

        Assert.Contains("symbolic link", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.In("outside")));
    }

    [Fact]
    public async Task A_path_that_is_free_again_leaves_no_folder()
    {
        await SaveAsync("task/stage/a.txt", "x");

        await Store.DeleteAsync("task/stage/a.txt", content: true, CancellationToken.None);

        Assert.False(Directory.Exists(_folder.In("artifacts", "task")));
    }

    private protected override Task<ArtifactStore> CreateAsync(ArtifactOptions options) =>
        Task.FromResult<ArtifactStore>(new LocalArtifactStore(Database.DataSource, options with { BasePath = _folder.In("artifacts") }));

    private protected override Task<int> StoredFilesAsync() => Task.FromResult(
        Directory.Exists(_folder.In("artifacts")) ? Directory.EnumerateFiles(_folder.In("artifacts"), "*", SearchOption.AllDirectories).Count() : 0);

    private protected override Task TamperAsync(string path, string content) => File.WriteAllTextAsync(_folder.In("artifacts", path), content);
}
