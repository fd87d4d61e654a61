using System.Security.Cryptography;
using System.Text;
using Cogo.Core.Artifacts;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Artifacts;

public sealed class LocalArtifactStoreTests : IAsyncLifetime
{
    private static readonly ArtifactContext Context = new("task", new string('c', 32), "text/plain");
    private readonly TemporaryFolder _folder = new();
    private TestDatabase _database = null!;
    private LocalArtifactStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await PostgresServers.CreateDatabaseAsync();
        _store = new LocalArtifactStore(_database.DataSource, new ArtifactOptions { BasePath = _folder.In("artifacts") });
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task What_is_saved_reads_back_and_has_a_row()
    {
        var saved = await SaveAsync("task/codegen/change.diff", "some text");

        Assert.Equal("some text", await ReadAsync("task/codegen/change.diff"));
        Assert.Equal(9, saved.Bytes);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData("some text"u8)), saved.Sha256);
        Assert.Equal(
            $"task 9 {saved.Sha256} text/plain",
            await _database.ScalarAsync<string>("select concat_ws(' ', task_id, bytes, sha256, content_type) from artifacts where path = $1", saved.Path));
    }

    [Fact]
    public async Task Saving_again_replaces_the_file_and_its_row()
    {
        await SaveAsync("task/a.txt", "first and longer");

        await SaveAsync("task/a.txt", "second");

        Assert.Equal("second", await ReadAsync("task/a.txt"));
        Assert.Equal("1 6", await _database.ScalarAsync<string>("select count(*) || ' ' || max(bytes) from artifacts"));
    }

    [Fact]
    public async Task A_reader_keeps_the_file_that_it_opened()
    {
        await SaveAsync("task/a.txt", "first");
        await using var open = await _store.OpenAsync("task/a.txt", CancellationToken.None);

        await SaveAsync("task/a.txt", "second");

        using var reader = new StreamReader(open!);
        Assert.Equal("first", await reader.ReadToEndAsync());
    }

    [Fact]
    public async Task Savers_of_one_path_at_once_leave_one_whole_file()
    {
        var contents = Enumerable.Range(0, 8).Select(i => new string((char)('a' + i), 200_000)).ToList();

        await Task.WhenAll(contents.Select(content => SaveAsync("task/a.txt", content)));

        var left = await ReadAsync("task/a.txt");
        Assert.Contains(left, contents);
        Assert.Empty(Directory.EnumerateFiles(_folder.In("artifacts", "~incoming")));
    }

    [Fact]
    public async Task A_source_that_breaks_leaves_nothing()
    {
        await Assert.ThrowsAsync<IOException>(() => _store.SaveAsync("task/a.txt", new BrokenStream(), Context, CancellationToken.None));

        Assert.Null(await _store.OpenAsync("task/a.txt", CancellationToken.None));
        Assert.Equal(0, await _database.ScalarAsync<long>("select count(*) from artifacts"));
        Assert.Empty(Directory.EnumerateFiles(_folder.In("artifacts", "~incoming")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/etc/passwd")]
    [InlineData("../up")]
    [InlineData("a/../../up")]
    [InlineData("a//b")]
    [InlineData("a/./b")]
    [InlineData("a\\b")]
    [InlineData("a b")]
    [InlineData("~incoming/x")]
    [InlineData("a/\0")]
    public async Task A_path_outside_the_rule_is_refused(string path) =>
        await Assert.ThrowsAsync<ArgumentException>(() => SaveAsync(path, "x"));

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

    private async Task<Artifact> SaveAsync(string path, string content)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(content));
        return await _store.SaveAsync(path, stream, Context, CancellationToken.None);
    }

    private async Task<string> ReadAsync(string path)
    {
        await using var stream = await _store.OpenAsync(path, CancellationToken.None);
        using var reader = new StreamReader(stream!);
        return await reader.ReadToEndAsync();
    }

    private sealed class BrokenStream : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new IOException("The pipe broke.");
    }
}
