using System.Diagnostics;
using System.Text.Json;
using Cogo.Cli;
using Cogo.Core.Database.Embedded;
using Cogo.Tests.Fixtures;
using Npgsql;
using Xunit;

namespace Cogo.Tests.EndToEnd;

/// <summary>A request's whole way through a running system, on real repositories.</summary>
public sealed class PipelineTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("node", "good", "passed", 15)]
    [InlineData("shell", "good", "passed", 18)]
    [InlineData("shell", "bad", "failed", 18)]
    public async Task A_row_inserted_with_psql_runs_the_pipeline(string sample, string patch, string verdict, int postgres)
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync(postgres);
        await using var system = await CogoSystem.StartAsync(Options(database), CancellationToken.None);
        using var client = new PipelineClient(system.Address);
        var repository = SampleRepository.Create(sample, _folder.Path);
        var payload = JsonSerializer.Serialize(new
        {
            target = "codegen/generate/0",
            next = "code/build-test/0",
            repo = repository.Folder,
            engine = "patch",
            patch = SampleRepository.Patch(sample, patch),
        });

        var traceId = await PsqlAsync(database, $"insert into agent_messages (service, role, shard, payload) values ('orchestrator', 'execute', '0', $payload${payload}$payload$) returning trace_id");
        var trace = await client.VerdictAsync(traceId);

        Assert.Equal(verdict, trace.GetProperty("verdict").GetString());
        Assert.Equal(["execute_enqueued", "execute_done", "codegen_done", "buildtest_done"], PipelineClient.Steps(trace));
        var done = PipelineClient.Events(trace).Last().GetProperty("data");
        var report = await client.ArtifactAsync(done.GetProperty("report").GetString()!);
        Assert.Equal(verdict, report.GetProperty("verdict").GetString());
        Assert.Equal(traceId, report.GetProperty("trace_id").GetString());
        Assert.Equal(repository.Head, report.GetProperty("base_commit").GetString());
        Assert.Equal(1, await database.ScalarAsync<long>("select count(distinct trace_id) from agent_messages"));
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from dead_letters"));
    }

    [Fact]
    public async Task Tasks_side_by_side_each_get_their_own_verdict_and_leave_the_repository_alone()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        await using var system = await CogoSystem.StartAsync(Options(database), CancellationToken.None);
        using var client = new PipelineClient(system.Address);
        var repository = SampleRepository.Create("shell", _folder.Path);
        var before = repository.Fingerprint();
        var good = SampleRepository.Patch("shell", "good");
        var bad = SampleRepository.Patch("shell", "bad");

        var traces = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => client.SubmitAsync(new { repo = repository.Folder, engine = "patch", patch = i % 2 == 0 ? good : bad })));
        var verdicts = await Task.WhenAll(traces.Select(async trace => (await client.VerdictAsync(trace)).GetProperty("verdict").GetString()!));

        Assert.Equal<IEnumerable<string>>(["passed", "failed", "passed", "failed", "passed", "failed", "passed", "failed"], verdicts);
        Assert.Equal(before, repository.Fingerprint());
    }

    [Fact]
    public async Task A_command_makes_the_change_and_is_told_the_task()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        await using var system = await CogoSystem.StartAsync(Options(database), CancellationToken.None);
        using var client = new PipelineClient(system.Address);
        var repository = SampleRepository.Create("shell", _folder.Path);

        var traceId = await client.SubmitAsync(new { repo = repository.Folder, engine = "command", command = "git apply good.patch && echo \"$COGO_TASK\" > TOLD", task = "Compare by numbers" });
        var trace = await client.VerdictAsync(traceId);

        Assert.True(trace.GetProperty("verdict").GetString() == "passed", trace.ToString());
        var edits = await client.ArtifactAsync($"{trace.GetProperty("task_id").GetString()}/codegen/edits.json");
        Assert.Equal(["TOLD", "src/semver.sh"], edits.GetProperty("files").EnumerateArray().Select(file => file.GetProperty("path").GetString()!).Order(StringComparer.Ordinal));
        using var http = new HttpClient { BaseAddress = system.Address };
        Assert.Contains("+Compare by numbers", await http.GetStringAsync(new Uri($"/artifacts/{trace.GetProperty("task_id").GetString()}/codegen/change.diff", UriKind.Relative)), StringComparison.Ordinal);
    }

    private CogoSystemOptions Options(TestDatabase database) => new()
    {
        ConnectionString = database.ConnectionString,
        Postgres = new EmbeddedPostgresOptions(),
        Folder = _folder.In(".cogo"),
        ArtifactsFolder = _folder.In(".cogo", "artifacts"),
        WorkFolder = _folder.In(".cogo", "work"),
    };

    private static async Task<string> PsqlAsync(TestDatabase database, string sql)
    {
        var connection = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        var bin = (await PostgresServers.ServerAsync(15)).Installation.BinDirectory;
        var start = new ProcessStartInfo(Path.Combine(bin, "psql"), ["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", sql])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["PGHOST"] = connection.Host;
        start.Environment["PGPORT"] = connection.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        start.Environment["PGUSER"] = connection.Username;
        start.Environment["PGPASSWORD"] = connection.Password;
        start.Environment["PGDATABASE"] = connection.Database;
        using var psql = Process.Start(start)!;
        var error = psql.StandardError.ReadToEndAsync();
        var output = await psql.StandardOutput.ReadToEndAsync();
        await psql.WaitForExitAsync();
        Assert.True(psql.ExitCode == 0, await error);
        return output.Trim();
    }
}
