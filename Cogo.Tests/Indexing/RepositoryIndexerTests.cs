using Cogo.Core.Indexing;
using Cogo.Core.Workspaces;
using Xunit;

namespace Cogo.Tests.Indexing;

public class RepositoryIndexerTests
{
    private const string Orders =
        """
        namespace Shop.Orders;

        /// <summary>What a customer wants.</summary>
        public sealed record Order(int Id)
        {
            public decimal TotalPrice { get; init; }

            public static Order ParseJson(string json, int depth = 3) => throw new System.NotSupportedException(json);
        }
        """;

    private const string Cart = "namespace Shop;\nclass Cart\n{\n    object Take(string json) => Orders.Order.ParseJson(json);\n    // ParseJson in a comment is no use\n    string s = \"ParseJson\";\n}\n";

    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task CSharp_is_found_by_name_by_part_and_by_resemblance_with_its_uses(int postgres)
    {
        await using var fixture = await IndexFixture.CreateAsync(postgres);

        var result = await fixture.CommitAndIndexAsync(("src/Order.cs", Orders), ("src/Cart.cs", Cart));

        Assert.Equal((false, 5, 0, true), (result.Unchanged, result.Added, result.Skipped, result.Trigrams));
        Assert.Contains(new IndexedLanguage("csharp", "roslyn", 2), result.Languages);
        Assert.Equal("src/Order.cs:8 ParseJson", (await fixture.SearchAsync("ParseJson"))[0]);
        Assert.Equal("src/Order.cs:8 ParseJson", (await fixture.SearchAsync("parse json", "symbol")).Single());
        Assert.Equal("src/Order.cs:8 ParseJson", (await fixture.SearchAsync("PraseJson", "symbol")).Single());
        Assert.Equal("src/Order.cs:6 TotalPrice", (await fixture.SearchAsync("otalPri", "symbol")).Single());
        Assert.Equal(["src/Cart.cs: 4"], await fixture.UsesAsync("ParseJson"));
        var declared = Assert.Single((await fixture.Index.DeclarationsAsync(null, "ParseJson", 10, null, default)).Rows);
        Assert.Equal(("method", "Shop.Orders.Order", "Order ParseJson(string json, int depth = 3)", 8, 8), (declared.Kind, declared.Container, declared.Signature, declared.Line, declared.EndLine!.Value));
        Assert.Equal(["src/Order.cs"], await fixture.SearchAsync("customer", "file"));
        Assert.Equal(["src/Cart.cs"], await fixture.SearchAsync("Cart.cs", "file"));
    }

    [Fact]
    public async Task Other_languages_are_read_by_ctags()
    {
        await using var fixture = await IndexFixture.CreateAsync();

        var result = await fixture.CommitAndIndexAsync(("tools/report.py", "import os\n\nclass DailyReport:\n    def send_mail(self, to):\n        return to\n\nDailyReport().send_mail('x')\n"));

        Assert.Empty(result.Missing);
        Assert.Contains(new IndexedLanguage("python", "ctags", 1), result.Languages);
        var declared = Assert.Single((await fixture.Index.DeclarationsAsync(null, "send_mail", 10, null, default)).Rows);
        Assert.Equal(("member", "DailyReport", "send_mail(self, to)", 4), (declared.Kind, declared.Container, declared.Signature, declared.Line));
        Assert.Equal(["tools/report.py: 7"], await fixture.UsesAsync("send_mail"));
    }

    [Fact]
    public async Task Only_what_changed_is_read_again()
    {
        await using var fixture = await IndexFixture.CreateAsync();
        await fixture.CommitAndIndexAsync(("src/Order.cs", Orders), ("src/Cart.cs", Cart), ("src/Old.cs", "class Old { }\n"));
        var kept = await fixture.Database.ScalarAsync<long>("select id from code_files where path = 'src/Cart.cs'");
        Assert.True((await fixture.IndexAsync()).Unchanged);

        File.Delete(Path.Combine(fixture.Repository.Folder, "src/Old.cs"));
        var result = await fixture.CommitAndIndexAsync(("src/Order.cs", Orders.Replace("ParseJson", "ReadJson", StringComparison.Ordinal)), ("src/New.cs", "class New { }\n"));

        Assert.Equal((1, 1, 1), (result.Added, result.Changed, result.Removed));
        Assert.Equal(kept, await fixture.Database.ScalarAsync<long>("select id from code_files where path = 'src/Cart.cs'"));
        Assert.Empty(await fixture.SearchAsync("ParseJson", "symbol"));
        Assert.Empty(await fixture.SearchAsync("Old.cs", "file"));
        Assert.Equal("src/Order.cs:8 ReadJson", (await fixture.SearchAsync("ReadJson", "symbol")).Single());
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from code_symbols s where not exists (select from code_files f where f.id = s.file_id)"));

        fixture.Repository.Git("commit", "--allow-empty", "--quiet", "--message", "nothing");
        var again = await fixture.IndexAsync();
        Assert.Equal((true, fixture.Repository.Head), (again.Unchanged, again.Commit));
        Assert.Equal(fixture.Repository.Head, (await fixture.Index.FindRepositoryAsync(fixture.Repository.Folder + "/", default))!.Commit);
        Assert.Equal((result.Files, result.Symbols), (again.Files, again.Symbols));
    }

    [Fact]
    public async Task Another_scope_leaves_out_what_it_does_not_name()
    {
        await using var fixture = await IndexFixture.CreateAsync();
        await fixture.CommitAndIndexAsync(("src/Order.cs", Orders), ("gen/Made.cs", "class Made { }\n"));
        fixture.Scope = KgScope.Parse("""{"version": 1, "include": ["**/*.cs"], "exclude": ["gen/**"], "languages": {"csharp": {"extensions": [".cs"], "analyzer": "roslyn"}}, "max_file_bytes": 1000, "max_files": 10}""");

        var result = await fixture.IndexAsync();

        Assert.Equal((1, 0, 0), (result.Files, result.Added, result.Changed));
        Assert.Empty(await fixture.SearchAsync("Made"));
        Assert.NotEmpty(await fixture.SearchAsync("TotalPrice"));
    }

    [Fact]
    public async Task A_part_of_a_repository_is_indexed_for_itself()
    {
        await using var fixture = await IndexFixture.CreateAsync();
        await fixture.CommitAndIndexAsync(("web/a.cs", "class InWeb { }\n"), ("b.cs", "class Outside { }\n"));

        await fixture.IndexAsync(subfolder: "web");

        var part = await fixture.Index.FindRepositoryAsync(Path.Combine(fixture.Repository.Folder, "web"), default);
        Assert.Equal(["a.cs"], (await fixture.Index.SearchAsync(part!.Id, "InWeb", null, 10, null, default)).Rows.Select(hit => hit.Path).Distinct());
        Assert.Empty((await fixture.Index.SearchAsync(part.Id, "Outside", null, 10, null, default)).Rows);
    }

    [Fact]
    public async Task Of_two_runs_at_once_one_is_told_to_come_back_and_a_dead_ones_hold_runs_out()
    {
        await using var fixture = await IndexFixture.CreateAsync();
        await fixture.IndexAsync();
        await fixture.Database.ExecuteAsync("update code_repositories set tree_key = null, run = gen_random_uuid(), run_until = now() + interval '1 minute'");

        var busy = await Assert.ThrowsAsync<IndexBusyException>(() => fixture.IndexAsync());
        Assert.Contains("being indexed already", busy.Message, StringComparison.Ordinal);

        await fixture.Database.ExecuteAsync("update code_repositories set run_until = now() - interval '1 second'");
        Assert.False((await fixture.IndexAsync()).Unchanged);
    }

    [Fact]
    public async Task A_run_that_lost_its_hold_writes_nothing_more()
    {
        await using var fixture = await IndexFixture.CreateAsync();
        fixture.Repository.Write("a.cs", "class A { }\n");
        fixture.Repository.Commit("a");
        var taken = false;
        var run = fixture.Indexer().IndexAsync(fixture.Repository.Folder, null, _ =>
        {
            if (!taken)
            {
                fixture.Database.ExecuteAsync("update code_repositories set run = gen_random_uuid()").GetAwaiter().GetResult();
                taken = true;
            }
        }, default);

        await Assert.ThrowsAsync<IndexBusyException>(() => run);
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from code_files"));
    }

    [Fact]
    public async Task A_run_that_was_cut_off_leaves_what_it_did_and_the_next_goes_on_there()
    {
        await using var fixture = await IndexFixture.CreateAsync();
        fixture.Repository.Write("a.cs", "class A { }\n");
        fixture.Repository.Write("b.py", "b = 1\n");
        fixture.Repository.Commit("two languages");
        using var cut = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.Indexer().IndexAsync(fixture.Repository.Folder, null, at =>
        {
            if (at.Files > 0)
                cut.Cancel();
        }, cut.Token));
        var done = await fixture.Database.ScalarAsync<long>("select count(*) from code_files");

        var result = await fixture.IndexAsync();

        Assert.True(done > 0);
        Assert.Equal(result.Files - done, result.Added);
    }

    [Fact]
    public async Task What_cannot_be_indexed_is_said()
    {
        await using var fixture = await IndexFixture.CreateAsync();

        var unknown = await Assert.ThrowsAsync<WorkspaceException>(() => fixture.IndexAsync("no-such-branch"));
        var nowhere = await Assert.ThrowsAsync<WorkspaceException>(() => fixture.IndexAsync(subfolder: "nowhere"));

        Assert.Equal((WorkspaceCodes.UnknownBase, WorkspaceCodes.RepoNotFound), (unknown.Code, nowhere.Code));
    }
}
