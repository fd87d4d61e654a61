using System.Net;
using System.Net.Sockets;
using System.Text;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Cli;

public sealed class BadInputTests : IDisposable
{
    private const string Patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n";
    private readonly TemporaryFolder _folder = new();
    private readonly CommandLine _cogo;

    public BadInputTests()
    {
        _cogo = new CommandLine(_folder.Path) { Variables = { ["COGO_URL"] = "http://127.0.0.1:1" } };
        Directory.CreateDirectory(_folder.In("repo"));
        File.WriteAllText(_folder.In("good.diff"), Patch);
        File.WriteAllText(_folder.In("empty.diff"), " \n");
        File.WriteAllBytes(_folder.In("binary.diff"), [1, 0, 2, 0]);
        File.WriteAllText(_folder.In("utf16.diff"), Patch, Encoding.Unicode);
        File.WriteAllText(_folder.In("latin1.diff"), Patch.Replace("two", "zw\u00f6lf", StringComparison.Ordinal), Encoding.Latin1);
        File.WriteAllText(_folder.In("escaping.diff"), Patch.Replace("b/a.txt", "b/../../a.txt", StringComparison.Ordinal).Replace("a/a.txt", "a/../../a.txt", StringComparison.Ordinal));
        File.WriteAllText(_folder.In("words.diff"), "please fix it\n");
        File.WriteAllText(_folder.In("large.diff"), Patch + new string('x', 5 * 1024 * 1024));
    }

    public void Dispose()
    {
        // Nothing of this may have brought a system up.
        Assert.False(Directory.Exists(_folder.In(".cogo")));
        _folder.Dispose();
    }

    [Theory]
    [InlineData("run --repo repo", "What is the change? Give --patch FILE")]
    [InlineData("run --patch good.diff", "--repo")]
    [InlineData("run --repo nowhere --patch good.diff", "There is no folder")]
    [InlineData("run --repo repo --patch nowhere.diff", "There is no file")]
    [InlineData("run --repo repo --patch empty.diff", "is empty: give a unified diff")]
    [InlineData("run --repo repo --patch binary.diff", "is a binary file: give a unified diff")]
    [InlineData("run --repo repo --patch utf16.diff", "git diff --output=FILE")]
    [InlineData("run --repo repo --patch latin1.diff", "is not UTF-8 at byte")]
    [InlineData("run --repo repo --patch escaping.diff", "The patch is refused")]
    [InlineData("run --repo repo --patch words.diff", "changes no file")]
    [InlineData("run --repo repo --patch large.diff", "more than 4 MiB")]
    [InlineData("run --repo repo --patch repo", "cannot be read")]
    [InlineData("run --repo repo --patch -", "The patch on standard input is empty")]
    [InlineData("run --repo repo --patch good.diff --command true", "each say how the change is made")]
    [InlineData("run --repo repo --patch good.diff --engine openai", "--engine openai wants --task, and --patch is for another engine")]
    [InlineData("run --repo repo --engine command", "--engine command wants --command")]
    [InlineData("run --repo repo --engine magic --task x", "There is no engine 'magic'")]
    [InlineData("run --repo repo --patch good.diff --timeout soon", "write 90s, 10m, 2h or 3d, at most 20d")]
    [InlineData("run --repo repo --patch good.diff --timeout 0", "write 90s, 10m, 2h or 3d, at most 20d")]
    [InlineData("run --repo repo --patch good.diff --server here", "no address of a server")]
    [InlineData("run --repo repo --patch good.diff --server http://127.0.0.1:1 --data d", "Leave out one of them")]
    [InlineData("run --repo repo --patch good.diff --task-id ../up", "task_id must be")]
    [InlineData("run --repo repo --patch good.diff --base -x", "may not start with '-'")]
    [InlineData("run --repo ftp://example.org/x --patch good.diff", "Repositories over 'ftp' are not supported")]
    [InlineData("run --repo repo --patch good.diff --database password=hidden-word;nonsense", "is no connection string")]
    [InlineData("run --repo repo --patch good.diff --nonsense", "`cogo run --help` shows how")]
    [InlineData("dev --port 70000", "--port wants a number from 0 to 65535")]
    [InlineData("dev --fresh --database Host=localhost", "--fresh throws the embedded database away, and --database names another one")]
    [InlineData("dev --postgres 15 --database Host=localhost", "--postgres is for the embedded Postgres")]
    [InlineData("nonsense", "`cogo --help` shows how")]
    [InlineData("", "`cogo --help` shows how")]
    public async Task It_exits_3_with_one_sentence_that_says_what_to_do(string line, string words)
    {
        var ran = await _cogo.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.True(ran.Code == 3, ran.ToString());
        Assert.StartsWith("cogo: ", ran.Error, StringComparison.Ordinal);
        Assert.Contains(words, ran.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ran.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden-word", ran.Error, StringComparison.Ordinal);
        Assert.Empty(ran.Output);
    }

    [Theory]
    [InlineData("run --json --repo repo")]
    [InlineData("run --json --nonsense")]
    public async Task With_json_the_sentence_is_the_result_line(string line)
    {
        var ran = await _cogo.RunAsync(line.Split(' '));

        Assert.Equal(3, ran.Code);
        var result = Assert.Single(ran.Lines);
        Assert.Equal(("result", "invalid"), (result.GetProperty("type").GetString(), result.GetProperty("verdict").GetString()));
        Assert.NotEmpty(result.GetProperty("reason").GetString()!);
        Assert.Equal(System.Text.Json.JsonValueKind.Null, result.GetProperty("trace_id").ValueKind);
        Assert.Empty(ran.Error);
    }

    [Fact]
    public async Task Fresh_does_not_empty_the_database_of_the_environment()
    {
        _cogo.Variables["ConnectionStrings__cogo"] = "Host=localhost;Password=hidden-word";

        var ran = await _cogo.RunAsync(["dev", "--fresh"]);

        Assert.Equal(3, ran.Code);
        Assert.Contains("ConnectionStrings__cogo names another one, which Cogo will not empty", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wanted_server_that_does_not_answer_exits_2()
    {
        var ran = await _cogo.RunAsync(["run", "--repo", "repo", "--patch", "good.diff", "--server", "http://127.0.0.1:1"]);

        Assert.Equal(2, ran.Code);
        Assert.Contains("No Cogo answers at http://127.0.0.1:1", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_busy_port_exits_2_before_anything_is_started()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;

        var ran = await _cogo.RunAsync(["dev", "--port", $"{port}"]);

        Assert.Equal(2, ran.Code);
        Assert.Contains($"Port {port} is taken", ran.Error, StringComparison.Ordinal);
        Assert.Contains("--port", ran.Error, StringComparison.Ordinal);
    }
}
