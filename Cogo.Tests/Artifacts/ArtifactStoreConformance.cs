using System.Security.Cryptography;
using System.Text;
using Cogo.Core.Artifacts;
using Cogo.Core.Artifacts.S3;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Artifacts;

/// <summary>What every storage of artifacts does, whatever it is made of.</summary>
public abstract class ArtifactStoreConformance : IAsyncLifetime
{
    protected static readonly ArtifactContext Context = new("task", new string('c', 32), "text/plain");

    private protected TestDatabase Database { get; private set; } = null!;

    private protected ArtifactStore Store { get; private set; } = null!;

    private protected ArtifactIndex Index => new(Database.DataSource);

    public async ValueTask InitializeAsync()
    {
        Database = await PostgresServers.CreateDatabaseAsync();
        Store = await CreateAsync(new ArtifactOptions());
    }

    public virtual async ValueTask DisposeAsync()
    {
        (Store as IDisposable)?.Dispose();
        await Database.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task What_is_saved_reads_back_and_has_a_row()
    {
        var saved = await SaveAsync("task/codegen/change.diff", "some text");

        Assert.Equal("some text", await ReadAsync("task/codegen/change.diff"));
        Assert.Equal(9, saved.Bytes);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData("some text"u8)), saved.Sha256);
        Assert.Equal(
            $"task 9 {saved.Sha256} text/plain {Store.Storage}",
            await Database.ScalarAsync<string>("select concat_ws(' ', task_id, bytes, sha256, content_type, storage) from artifacts where path = $1", saved.Path));
    }

    [Fact]
    public async Task An_empty_file_is_a_file()
    {
        var saved = await SaveAsync("task/empty", "");

        Assert.Equal(0, saved.Bytes);
        Assert.Equal("", await ReadAsync("task/empty"));
    }

    [Theory]
    [InlineData(S3Upload.PartBytes)]
    [InlineData((2 * S3Upload.PartBytes) + 1)]
    public async Task A_large_file_comes_back_as_it_was(int bytes)
    {
        var content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        using var trickle = new TrickleStream(content);

        var saved = await Store.SaveAsync("task/large.bin", trickle, Context, CancellationToken.None);

        await using var stored = await Store.OpenAsync("task/large.bin", CancellationToken.None);
        Assert.Equal((bytes, bytes), (saved.Bytes, stored!.Length));
        Assert.Equal(saved.Sha256, Convert.ToHexStringLower(await SHA256.HashDataAsync(stored)));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(content)), saved.Sha256);
    }

    [Fact]
    public async Task Odd_names_are_names()
    {
        string[] names = ["-rf", "..b/c..", ".hidden/.x", "UPPER/lower", "upper/LOWER", "_/-/...", "a.txt.gz", $"{new string('n', ArtifactPath.MaxSegmentLength)}/x"];
        foreach (var name in names)
        {
            await SaveAsync(name, name);
        }

        foreach (var name in names)
        {
            Assert.Equal(name, await ReadAsync(name));
        }
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
    [InlineData("a/b~0198")]
    [InlineData("a/\0")]
    public async Task A_path_outside_the_rule_is_refused(string path)
    {
        await Assert.ThrowsAsync<ArgumentException>(() => SaveAsync(path, "x"));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.ReadAsync(path, CancellationToken.None));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.DeleteAsync(path, content: true, CancellationToken.None));
    }

    [Fact]
    public async Task Saving_again_replaces_the_file_and_its_row()
    {
        await SaveAsync("task/a.txt", "first and longer");

        await SaveAsync("task/a.txt", "second");

        Assert.Equal("second", await ReadAsync("task/a.txt"));
        Assert.Equal("1 6", await Database.ScalarAsync<string>("select count(*) || ' ' || max(bytes) from artifacts"));
    }

    [Fact]
    public async Task A_reader_keeps_the_file_that_it_opened()
    {
        await SaveAsync("task/a.txt", "first");
        await using var open = await Store.OpenAsync("task/a.txt", CancellationToken.None);

        await SaveAsync("task/a.txt", "second");

        using var reader = new StreamReader(open!);
        Assert.Equal("first", await reader.ReadToEndAsync());
    }

    [Fact]
    public async Task Savers_of_one_path_at_once_leave_one_whole_file_and_its_row()
    {
        var contents = Enumerable.Range(0, 8).Select(i => new string((char)('a' + i), 200_000)).ToList();

        await Task.WhenAll(contents.Select(content => SaveAsync("task/a.txt", content)));

        // Reading holds the file against the row's checksum.
        var left = await ReadAsync("task/a.txt");
        Assert.Contains(left, contents);
        Assert.Equal(1, await StoredFilesAsync());
    }

    [Fact]
    public async Task Readers_beside_a_saver_see_one_whole_file_or_the_other()
    {
        await SaveAsync("task/a.txt", "0");
        for (var round = 1; round <= 10; round++)
        {
            var content = new string((char)('a' + round), 50_000);
            var saving = SaveAsync("task/a.txt", content);
            var seen = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ReadAsync("task/a.txt")));
            await saving;
            Assert.All(seen, text => Assert.Single(text.Distinct()));
            Assert.Equal(content, await ReadAsync("task/a.txt"));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100_000)]
    public async Task A_source_that_breaks_leaves_nothing(int after)
    {
        await Assert.ThrowsAsync<IOException>(() => Store.SaveAsync("task/a.txt", new BrokenStream(after), Context, CancellationToken.None));

        Assert.Null(await Store.OpenAsync("task/a.txt", CancellationToken.None));
        Assert.Equal(0, await Database.ScalarAsync<long>("select count(*) from artifacts"));
        Assert.Equal(0, await StoredFilesAsync());
    }

    [Fact]
    public async Task What_is_missing_is_null()
    {
        await SaveAsync("task/a.txt", "x");

        Assert.Null(await Store.ReadAsync("task", CancellationToken.None));
        Assert.Null(await Store.ReadAsync("task/b.txt", CancellationToken.None));
        Assert.False(await Store.DeleteAsync("task/b.txt", content: true, CancellationToken.None));
    }

    [Fact]
    public async Task Bytes_that_were_changed_behind_our_back_are_not_handed_out_whole()
    {
        await SaveAsync("task/a.txt", "what was stored");
        await TamperAsync("task/a.txt", "what was forged");

        var refused = await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync("task/a.txt"));

        Assert.Contains("task/a.txt is not what was stored", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_part_is_read_from_where_it_begins()
    {
        await SaveAsync("task/a.txt", "0123456789");
        await using var stored = await Store.OpenAsync("task/a.txt", CancellationToken.None);

        stored!.Seek(7, SeekOrigin.Begin);
        var end = new byte[3];
        await stored.ReadExactlyAsync(end);
        stored.Position = 2;
        var middle = new byte[2];
        await stored.ReadExactlyAsync(middle);

        Assert.Equal(("789", "23"), (Encoding.ASCII.GetString(end), Encoding.ASCII.GetString(middle)));
    }

    [Fact]
    public async Task They_are_listed_newest_first_and_deleted_for_good()
    {
        await SaveAsync("task/a.txt", "a");
        await SaveAsync("task/b.txt", "b");
        Assert.Equal(["task/b.txt", "task/a.txt"], (await Index.ListAsync("task", 10, null, CancellationToken.None)).Artifacts.Select(row => row.Path));

        Assert.True(await Store.DeleteAsync("task/a.txt", content: true, CancellationToken.None));

        Assert.Null(await Store.OpenAsync("task/a.txt", CancellationToken.None));
        Assert.Equal(["task/b.txt"], (await Index.ListAsync("task", 10, null, CancellationToken.None)).Artifacts.Select(row => row.Path));
        Assert.Equal(1, await StoredFilesAsync());
    }

    [Fact]
    public async Task What_has_a_time_to_live_is_found_when_it_is_over()
    {
        var mortal = await CreateAsync(new ArtifactOptions { TimeToLive = TimeSpan.FromMilliseconds(1) });
        using (var content = new MemoryStream([1]))
        {
            await mortal.SaveAsync("task/mortal", content, Context, CancellationToken.None);
        }

        await SaveAsync("task/kept", "x");

        var over = await Eventually.BecomesAsync(
            () => Index.ListExpiredAsync(TimeSpan.FromDays(1), 10, CancellationToken.None), rows => rows.Count > 0, "the end of its time");
        Assert.Equal(["task/mortal"], over.Select(row => row.Path));
        (mortal as IDisposable)?.Dispose();
    }

    private protected abstract Task<ArtifactStore> CreateAsync(ArtifactOptions options);

    /// <summary>Files there are in the storage, half-written ones among them.</summary>
    private protected abstract Task<int> StoredFilesAsync();

    private protected abstract Task TamperAsync(string path, string content);

    private protected async Task<Artifact> SaveAsync(string path, string content)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(content));
        return await Store.SaveAsync(path, stream, Context, CancellationToken.None);
    }

    private protected async Task<string> ReadAsync(string path)
    {
        await using var stream = await Store.OpenAsync(path, CancellationToken.None);
        using var reader = new StreamReader(stream!);
        return await reader.ReadToEndAsync();
    }

    private sealed class BrokenStream(int after) : MemoryStream
    {
        private int _left = after;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = Math.Min(_left, buffer.Length);
            _left -= read;
            return read > 0 ? ValueTask.FromResult(read) : throw new IOException("The pipe broke.");
        }
    }

    /// <summary>Of unknown length, and never as much as was asked for: as a pipe is.</summary>
    private sealed class TrickleStream(byte[] content) : MemoryStream(content)
    {
        public override bool CanSeek => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, 65_521)], cancellationToken);
    }
}
