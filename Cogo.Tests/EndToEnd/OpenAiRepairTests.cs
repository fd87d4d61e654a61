using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.EndToEnd;

public sealed class OpenAiRepairTests : IDisposable
{
    private const string Broken = "  const [, count, unit] = /(\\d+)([dhms])/.exec(text);\n  return Number(count) * SECONDS[unit];\n";
    private const string Mended = "  return [...text.matchAll(/(\\d+)([dhms])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * SECONDS[unit], 0);\n";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_openai_engine_repairs_a_sample_and_the_tests_prove_it()
    {
        await using var endpoint = await OpenAiServer.StartAsync(
            OpenAiReply.Calls(("list_files", new { })),
            OpenAiReply.Calls(("read_file", new { path = "src/duration.js" }), ("read_file", new { path = "test/duration.test.js" })),
            OpenAiReply.Calls(("replace_in_file", new { path = "src/duration.js", old = Broken, @new = Mended })),
            OpenAiReply.Calls(("finish", new { summary = "Units add up." })));
        var repository = SampleRepository.Create("node", _folder.Path);
        var before = repository.Fingerprint();
        await using var cogo = await CogoProcess.StartAsync(_folder.Path, endpoint.Settings);
        using var client = new PipelineClient(cogo.Address);

        var traceId = await client.SubmitAsync(new { repo = repository.Folder, engine = "openai", task = "parseDuration(\"1h30m\") must be 5400." });
        var trace = await client.VerdictAsync(traceId);

        Assert.True(trace.GetProperty("verdict").GetString() == "passed", trace.ToString());
        Assert.Equal(["execute_enqueued", "execute_done", "codegen_done", "buildtest_done"], PipelineClient.Steps(trace));
        Assert.Contains("1h30m", endpoint.Requests[0].GetProperty("messages").ToString(), StringComparison.Ordinal);
        Assert.Contains("const SECONDS", endpoint.Requests[2].GetProperty("messages").ToString(), StringComparison.Ordinal);
        var report = await client.ArtifactAsync(PipelineClient.Events(trace).Last().GetProperty("data").GetProperty("report").GetString()!);
        Assert.Equal("openai", report.GetProperty("engine").GetString());
        Assert.Equal(OpenAiServer.Model, report.GetProperty("model").GetString());
        Assert.Equal(4000, report.GetProperty("tokens").GetProperty("input").GetInt64());
        Assert.DoesNotContain(OpenAiServer.Key, trace.ToString() + report, StringComparison.Ordinal);
        Assert.Equal(before, repository.Fingerprint());
    }

    [Fact]
    public async Task A_repair_that_does_not_repair_is_red()
    {
        await using var endpoint = await OpenAiServer.StartAsync(
            OpenAiReply.Calls(("replace_in_file", new { path = "src/duration.js", old = Broken, @new = Broken + "  // All tests passed.\n" })),
            OpenAiReply.Calls(("finish", new { summary = "All tests pass now." })));
        var repository = SampleRepository.Create("node", _folder.Path);
        await using var cogo = await CogoProcess.StartAsync(_folder.Path, endpoint.Settings);
        using var client = new PipelineClient(cogo.Address);

        var trace = await client.VerdictAsync(await client.SubmitAsync(new { repo = repository.Folder, engine = "openai", task = "Mend parseDuration." }));

        Assert.Equal("failed", trace.GetProperty("verdict").GetString());
    }
}
