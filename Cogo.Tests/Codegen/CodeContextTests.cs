using Cogo.Core.Indexing;
using Cogo.Core.Pipeline;
using Cogo.Tests.Fixtures;
using Cogo.Workers.Codegen;
using Cogo.Workers.Indexing;
using Xunit;

namespace Cogo.Tests.Codegen;

public class CodeContextTests
{
    private static readonly OpenAiReply Edit = OpenAiReply.Calls(("write_file", new { path = "a.txt", content = "a\n" }));
    private static readonly OpenAiReply Finish = OpenAiReply.Calls(("finish", new { summary = "done" }));

    [Fact]
    public async Task What_the_index_knows_of_a_task_is_in_the_prompt_and_in_the_edits()
    {
        await using var server = await OpenAiServer.StartAsync(Edit, Finish);
        await using var fixture = await CodegenFixture.StartAsync(server.Settings);
        fixture.Repository.Write("src/Dates.cs", "namespace Shop;\nstatic class Dates\n{\n    public static int ParseHttpDate(string text) => text.Length;\n}\n");
        fixture.Repository.Write("src/Stale.cs", "class ParseHttpDateOld { }\n");
        fixture.Repository.Commit("dates");
        var indexed = await IndexAsync(fixture);
        fixture.Repository.Write("src/Stale.cs", "\n\nclass ParseHttpDateOld { }\n");
        fixture.Repository.Commit("later than the index");

        await fixture.RunAsync(new PipelineRequest { TaskId = "t", Engine = "openai", Task = "Let ParseHttpDate take spaces" });

        var context = (await fixture.ArtifactAsync<Edits>("t/codegen/edits.json")).Context;
        Assert.NotNull(context);
        Assert.Equal(indexed.Commit, context.IndexCommit);
        var symbol = Assert.Single(context.Symbols);
        Assert.Equal(("src/Dates.cs", 4, "ParseHttpDate"), (symbol.Path, symbol.Line, symbol.Name));
        Assert.Equal(["src/Dates.cs"], context.Files);
        var prompt = server.Requests[0].GetProperty("messages")[1].GetRawText();
        Assert.Contains("src/Dates.cs:4 method int ParseHttpDate(string text) in Shop.Dates", prompt, StringComparison.Ordinal);
        Assert.DoesNotContain("ParseHttpDateOld", prompt, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_an_index_or_its_tables_codegen_works_as_ever()
    {
        await using var server = await OpenAiServer.StartAsync(Edit, Finish, Edit, Finish);
        await using var fixture = await CodegenFixture.StartAsync(server.Settings);

        await fixture.RunAsync(new PipelineRequest { TaskId = "t", Engine = "openai", Task = "Make it add" });
        Assert.Null((await fixture.ArtifactAsync<Edits>("t/codegen/edits.json")).Context);
        Assert.DoesNotContain("from an index", server.Requests[0].GetRawText(), StringComparison.Ordinal);

        await fixture.Database.ExecuteAsync("drop table code_repositories cascade");
        await fixture.RunAsync(new PipelineRequest { TaskId = "u", Engine = "openai", Task = "Make it add" });
        Assert.Null((await fixture.ArtifactAsync<Edits>("u/codegen/edits.json")).Context);
        Assert.Contains("the code index could not be read", await fixture.ArtifactAsync("u/codegen/codegen.log"), StringComparison.Ordinal);
    }

    private static Task<IndexResult> IndexAsync(CodegenFixture fixture) => new RepositoryIndexer(
        fixture.Workspace.Cache, KgScope.Default, fixture.Database.DataSource, [new CSharpAnalyzer(TimeProvider.System)], TimeProvider.System)
        .IndexAsync(fixture.Repository.Folder, null, null, CancellationToken.None);
}
