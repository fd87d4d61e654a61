using Cogo.Tests.Api;
using Cogo.Tests.Cli;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Workspaces;
using Xunit;

namespace Cogo.Tests.Indexing;

/// <summary>What the API and the command line refuse and show.</summary>
public sealed class IndexSurfaceTests(ApiHost api) : IClassFixture<ApiHost>
{
    [Theory]
    [InlineData("search", 400, "q is missing")]
    [InlineData("search?q=%20", 400, "q is missing")]
    [InlineData("search?q=a%00b", 400, "control character")]
    [InlineData("search?q=a&limit=0", 400, "limit is a whole number")]
    [InlineData("search?q=a&limit=x", 400, "limit is a whole number")]
    [InlineData("search?q=a&type=odd", 400, "type is symbol or file")]
    [InlineData("search?q=a&cursor=odd!", 400, "is not a cursor")]
    [InlineData("search?q=a&cursor=YQ", 400, "is not a cursor")]
    [InlineData("search?q=a&repo=relative/path", 400, "relative path")]
    [InlineData("search?q=a&repo=ftp://host/x", 400, "not supported")]
    [InlineData("symbols/a%0Ab", 400, "control character")]
    [InlineData("symbols/A/references?cursor=YQ", 400, "is not a cursor")]
    [InlineData("repositories?cursor=a", 400, "is not a cursor")]
    public async Task A_bad_question_is_refused_field_by_field(string question, int status, string words) =>
        (await api.GetAsync("/api/index/" + question)).IsProblem(status, "invalid_request", words);

    [Fact]
    public async Task A_repository_that_is_not_indexed_is_said() =>
        (await api.GetAsync("/api/index/search?q=a&repo=/srv/none")).IsProblem(404, "repository_not_indexed", "/srv/none is not indexed");

    [Theory]
    [InlineData("/api/workflows/execute", "template")]
    [InlineData("/api/pipeline/execute", "pipeline")]
    public async Task A_workflow_that_indexes_is_refused_where_no_worker_does(string path, string field)
    {
        using var content = new StringContent($$"""{"{{field}}":"indexing","repo":"/srv/shop"}""", System.Text.Encoding.UTF8, "application/json");
        var answer = await Answer.OfAsync(await api.Http.PostAsync(new Uri(path, UriKind.Relative), content));

        answer.IsProblem(409, "no_worker", "AGENT_ROLE=indexing");
    }

    [Theory]
    [InlineData("search?q=%25_%27%5C%22%3B--")]
    [InlineData("search?q=%27%20%26%20%21%20%28")]
    [InlineData("search?q=%F0%9F%98%80%ED%A0%80")]
    [InlineData("search?q=a%25b")]
    [InlineData("symbols/operator%20%3D%3D")]
    [InlineData("symbols/%2e%2e")]
    public async Task Odd_words_find_nothing_and_break_nothing(string question)
    {
        var answer = await api.GetAsync("/api/index/" + question);

        Assert.True(answer.Status is 200 or 404, answer.Text);
    }

    [Fact]
    public async Task The_command_line_indexes_and_searches()
    {
        using var folder = new TemporaryFolder();
        var repository = new GitRepository(folder.In("shop"));
        repository.Write("src/Dates.cs", "namespace Shop;\nstatic class Dates\n{\n    public static int ParseHttpDate(string text) => text.Length;\n}\n");
        repository.Commit("dates");
        var cogo = new CommandLine(folder.Path) { Variables = { ["ConnectionStrings__cogo"] = api.Database.ConnectionString } };

        var first = await cogo.RunAsync(["index", "shop"]);
        Assert.True(first.Code == 0, first.ToString());
        Assert.Contains("csharp", first.Output, StringComparison.Ordinal);
        var again = Assert.Single((await cogo.RunAsync(["index", "shop", "--json"])).Lines);
        Assert.True(again.GetProperty("unchanged").GetBoolean());

        var found = await cogo.RunAsync(["index", "search", "http", "date", "--repo", "shop"]);
        Assert.Contains("src/Dates.cs:4  method int ParseHttpDate(string text) in Shop.Dates", found.Output, StringComparison.Ordinal);
        var hit = (await cogo.RunAsync(["index", "search", "parsehttp", "--json"])).Lines[0];
        Assert.Equal(("symbol", "ParseHttpDate", 4), (hit.GetProperty("type").GetString(), hit.GetProperty("name").GetString(), hit.GetProperty("line").GetInt32()));

        Assert.Equal(3, (await cogo.RunAsync(["index", "nowhere"])).Code);
        Assert.Equal(3, (await cogo.RunAsync(["index", "search", "x", "--repo", "other"])).Code);
        Assert.Equal(3, (await cogo.RunAsync(["index", "search", "x", "--limit", "0"])).Code);
    }

    [Fact]
    public async Task Without_trigrams_names_are_still_found_by_what_they_hold()
    {
        await using var fixture = await IndexFixture.CreateAsync();
        // As in a database whose owner may not create the extension.
        await fixture.Database.ExecuteAsync("drop extension pg_trgm cascade");
        await fixture.Database.ExecuteAsync("create role plain login; grant all on schema public to plain");
        try
        {
            await fixture.Database.ExecuteAsync(Core.Database.MigrationScript.Embedded.Single(script => script.Name.Contains("code_index", StringComparison.Ordinal)).Sql
                .Replace("create extension pg_trgm with schema public;", "set local role plain; create extension pg_trgm with schema public;", StringComparison.Ordinal));

            var result = await fixture.CommitAndIndexAsync(("a.cs", "class TotalPrice { }\n"));

            Assert.False(result.Trigrams);
            Assert.Equal(["a.cs:1 TotalPrice"], await fixture.SearchAsync("otalPri", "symbol"));
            Assert.Empty(await fixture.SearchAsync("TotlaPrice", "symbol"));
            Assert.StartsWith("on", await fixture.Database.ScalarAsync<string>("reset role; create extension if not exists pg_trgm; select public.cogo_code_trigrams()"), StringComparison.Ordinal);
        }
        finally
        {
            await fixture.Database.ExecuteAsync("reset role; revoke all on schema public from plain; drop role plain");
        }
    }
}
