using System.Net;
using Cogo.Core.Artifacts;
using Cogo.Core.Artifacts.S3;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Artifacts;

public sealed class S3ArtifactStoreTests(S3Server server) : ArtifactStoreConformance
{
    // Made when a test asks for it: one that is skipped as it begins is not disposed.
    private readonly Lazy<TemporaryFolder> _folder = new(() => new TemporaryFolder());
    private S3Options? _options;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_folder.IsValueCreated)
        {
            _folder.Value.Dispose();
        }
    }

    [Fact]
    public async Task A_replaced_object_is_gone_and_nothing_is_written_down_as_left_over()
    {
        await SaveAsync("task/a.txt", "first");
        await SaveAsync("task/a.txt", "second");

        var key = Assert.Single(await server.KeysAsync(_options!.Prefix));
        Assert.Equal(key, await Database.ScalarAsync<string>("select object_key from artifacts"));
        Assert.StartsWith($"{_options.Prefix}task/a.txt~", key, StringComparison.Ordinal);
        Assert.Equal(0, await Database.ScalarAsync<long>("select count(*) from artifact_leftovers"));
    }

    [Fact]
    public async Task A_signed_link_is_good_without_keys_until_it_expires()
    {
        using var store = new S3ArtifactStore(Database.DataSource, new ArtifactOptions(), _options! with { LinkLifetime = TimeSpan.FromSeconds(3) });
        await SaveAsync("task/page.html", "<p>x</p>");
        using var http = new HttpClient();

        var link = await store.LinkAsync((await Index.FindAsync("task/page.html", CancellationToken.None))!, CancellationToken.None);

        using (var answer = await http.GetAsync(link!.Address))
        {
            Assert.Equal("<p>x</p>", await answer.Content.ReadAsStringAsync());
            Assert.Equal("attachment; filename=\"page.html\"", answer.Content.Headers.GetValues("Content-Disposition").Single());
        }

        Assert.DoesNotContain(_options!.SecretAccessKey + "&", link.Address.Query, StringComparison.Ordinal);
        await Eventually.BecomesTrueAsync(
            async () =>
            {
                using var late = await http.GetAsync(link.Address);
                return late.StatusCode == HttpStatusCode.Forbidden;
            },
            "the end of a link");
    }

    [Fact]
    public async Task A_link_names_the_store_as_those_outside_reach_it()
    {
        using var store = new S3ArtifactStore(Database.DataSource, new ArtifactOptions(), _options! with { PublicEndpoint = new Uri("https://files.example.com") });
        await SaveAsync("task/a.txt", "x");

        var link = await store.LinkAsync((await Index.FindAsync("task/a.txt", CancellationToken.None))!, CancellationToken.None);

        Assert.StartsWith($"https://files.example.com/{S3Server.Bucket}/{_options!.Prefix}task/a.txt~", link!.Address.AbsoluteUri, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_killed_process_left_is_removed_a_day_later()
    {
        // As it is when a process dies after its upload: the object is there and written down, and no artifact names it.
        await SaveAsync("task/a.txt", "x");
        await Database.ExecuteAsync("insert into artifact_leftovers (storage, object_key) select storage, object_key from artifacts; delete from artifacts");
        Assert.Equal(0, await Store.RemoveLeftoversAsync(TimeSpan.FromDays(1), 10, CancellationToken.None));

        await Database.ExecuteAsync("update artifact_leftovers set created_at = now() - interval '25 hours'");

        Assert.Equal(1, await Store.RemoveLeftoversAsync(TimeSpan.FromDays(1), 10, CancellationToken.None));
        Assert.Empty(await server.KeysAsync(_options!.Prefix));
        Assert.Equal(0, await Database.ScalarAsync<long>("select count(*) from artifact_leftovers"));
    }

    [Fact]
    public async Task An_upload_that_broke_between_its_parts_stays_written_down_until_it_is_ended()
    {
        using var content = new BreaksAfter(S3Upload.PartBytes);

        await Assert.ThrowsAsync<IOException>(() => Store.SaveAsync("task/a.bin", content, Context, CancellationToken.None));

        // This server cannot end an upload in parts; one that can leaves no row here.
        Assert.Equal("1 t", await Database.ScalarAsync<string>("select count(*) || ' ' || case when bool_and(upload_id is not null) then 't' else 'f' end from artifact_leftovers"));
        Assert.Empty(await server.KeysAsync(_options!.Prefix));
    }

    [Fact]
    public async Task Artifacts_of_the_folder_stay_readable_and_move_when_they_are_replaced()
    {
        var local = new LocalArtifactStore(Database.DataSource, new ArtifactOptions { BasePath = _folder.Value.In("before") });
        using (var content = new MemoryStream("before"u8.ToArray()))
        {
            await local.SaveAsync("task/a.txt", content, Context, CancellationToken.None);
        }

        Assert.Equal("before", await ReadAsync("task/a.txt"));
        await SaveAsync("task/a.txt", "after");

        Assert.Equal("after", await ReadAsync("task/a.txt"));
        Assert.False(File.Exists(_folder.Value.In("before", "task", "a.txt")));
        var lost = await Assert.ThrowsAsync<ArtifactStorageException>(() => local.ReadAsync("task/a.txt", CancellationToken.None));
        Assert.Contains("is kept in S3, and this program is not told where that is: set ARTIFACTS_S3_BUCKET", lost.Message, StringComparison.Ordinal);
    }

    private protected override async Task<ArtifactStore> CreateAsync(ArtifactOptions options)
    {
        _options ??= await server.OptionsAsync();
        return new S3ArtifactStore(Database.DataSource, options, _options)
        {
            Before = new LocalArtifactStore(Database.DataSource, new ArtifactOptions { BasePath = _folder.Value.In("before") }),
        };
    }

    private protected override async Task<int> StoredFilesAsync() => (await server.KeysAsync(_options!.Prefix)).Count;

    private protected override async Task TamperAsync(string path, string content) =>
        await server.TamperAsync((await Database.ScalarAsync<string>("select object_key from artifacts where path = $1", path))!, content);

    private sealed class BreaksAfter(int bytes) : MemoryStream
    {
        private int _left = bytes;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = Math.Min(_left, buffer.Length);
            _left -= read;
            return read > 0 ? ValueTask.FromResult(read) : throw new IOException("The pipe broke.");
        }
    }
}
