using Cogo.Cli;
using Cogo.Cli.Run;
using Cogo.Core.Database.Embedded;
using Xunit;

namespace Cogo.Tests.Cli;

public class ServerCheckTests
{
    private static readonly ServerWorker[] Everything = [new("w", ["orchestrator/execute/0", "codegen/generate/3", "code/build-test/1"])];

    [Fact]
    public void A_path_means_nothing_to_a_server_elsewhere()
    {
        var refused = Assert.Throws<InputException>(() => Check("http://cogo.example.org", Status(Everything), repoIsLocal: true));

        Assert.Contains("is on another machine and cannot see /home/me/repo", refused.Message, StringComparison.Ordinal);
        Assert.Contains("git URL", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://cogo.example.org", false)]
    [InlineData("http://localhost:3000", true)]
    [InlineData("http://127.0.0.1:3000", true)]
    public void Else_the_server_may_look_for_itself(string address, bool repoIsLocal) =>
        Assert.Empty(Check(address, Status(Everything), repoIsLocal));

    [Fact]
    public void A_server_without_its_database_is_not_used()
    {
        var refused = Assert.Throws<ServerException>(() => Check(
            "http://localhost:3000", Status(Everything) with { Status = "unavailable", Database = new ServerDatabase(true, "Run `cogo migrate`.") }, repoIsLocal: false));

        Assert.Contains("Run `cogo migrate`.", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_route_that_nobody_reads_is_said()
    {
        var notes = Check("http://localhost:3000", Status([new ServerWorker("w", ["orchestrator/execute/0"])]), repoIsLocal: false);

        Assert.Contains("No worker reads codegen/generate/0", notes, StringComparison.Ordinal);
        Assert.Contains("No worker reads code/build-test/0", notes, StringComparison.Ordinal);
        Assert.DoesNotContain("orchestrator", notes, StringComparison.Ordinal);
    }

    private static ServerStatus Status(ServerWorker[] workers) => new("ok", "0.1.0", new ServerDatabase(true, null), workers);

    private static string Check(string address, ServerStatus status, bool repoIsLocal)
    {
        var written = new SharedWriter();
        using var server = new CogoServer(new Uri(address));
        var options = new RunOptions
        {
            Request = new RunRequest { TaskId = "t", Repo = "/home/me/repo", Engine = "patch" },
            RepoIsLocal = repoIsLocal,
            Timeout = TimeSpan.FromMinutes(1),
            System = new CogoSystemOptions { Postgres = new EmbeddedPostgresOptions(), Folder = "/f", ArtifactsFolder = "/f/a", WorkFolder = "/f/w" },
        };
        RunTarget.Check(status, server, options, new JsonRunView(written));
        return written.ToString();
    }
}
