using System.Runtime.Versioning;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Cogo.Core.Workflows;
using Cogo.Tests.EndToEnd;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Workspaces;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Workflows;

/// <summary>One run, and in each of its steps the process that works on it is killed.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class WorkflowCrashTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _signals;

    public WorkflowCrashTests()
    {
        _signals = _folder.In("signals");
        Directory.CreateDirectory(_signals);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_run_whose_process_is_killed_in_each_of_its_steps_in_turn_finishes_once()
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        var repository = Project();
        var environment = new Dictionary<string, string?> { ["ConnectionStrings__cogo"] = database.ConnectionString };
        var command = $"echo x >> {_signals}/codegen-$COGO_REPAIR; until [ -e {_signals}/go-codegen-$COGO_REPAIR ]; do sleep 0.05; done; echo \"repair $COGO_REPAIR\" >> made.txt";
        var id = await StartAsync(database, repository.Folder, command);

        // In the dispatcher: what it would write waits for a lock.
        await using (var held = await HoldAsync(database, "lock table bus_events in share row exclusive mode"))
        {
            await KilledWhenAsync(database, environment, () => WaitsForAsync(database, "bus_events"));
            await held.ReleaseAsync();
        }

        await KilledWhenAsync(database, environment, () => Task.FromResult(Seen("codegen-0") >= 1));
        await WithLockedRunAsync(database, environment, id, "go-codegen-0");
        await KilledWhenAsync(database, environment, () => Task.FromResult(Seen("test-0") >= 1));
        await WithLockedRunAsync(database, environment, id, "go-test-0");
        await KilledWhenAsync(database, environment, () => Task.FromResult(Seen("codegen-1") >= 1));
        await WithLockedRunAsync(database, environment, id, "go-codegen-1");
        await KilledWhenAsync(database, environment, () => Task.FromResult(Seen("test-1") >= 1));
        await WithLockedRunAsync(database, environment, id, "go-test-1");

        await using var last = await CogoProcess.StartAsync(_folder.Path, environment);
        using var client = new WorkflowClient(last.Address);
        var run = await client.EndAsync(id);

        Assert.True(run.GetProperty("status").GetString() == "passed", run.ToString());
        Assert.Equal(["codegen 1 done", "build-test 1 done failed", "codegen 2 done", "build-test 2 done passed"], WorkflowClient.Steps(run));
        Assert.Equal(
            [("codegen_done", 2), ("buildtest_done", 2), ("gate_fix", 1), ("gate_passed", 1), ("workflow_done", 1), ("workflow_repair", 1), ("workflow_started", 1), ("workflow_step_done", 4), ("workflow_step_started", 4)],
            await CountsAsync(database, run.GetProperty("trace_id").GetString()!));
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from dead_letters"));
        Assert.Equal(await database.ScalarAsync<long>("select last_event::bigint from workflow_runs"), await database.ScalarAsync<long>("select count(distinct data ->> 'seq') from bus_events where data ->> 'run_id' = $1", id));
        // Each was begun anew by the process after the one that was killed.
        Assert.All(new[] { "codegen-0", "test-0", "codegen-1", "test-1" }, step => Assert.True(Seen(step) >= 2, $"{step} was begun {Seen(step)} times"));
    }

    /// <summary>Starts the run while no process reads the bus.</summary>
    private static async Task<string> StartAsync(TestDatabase database, string repo, string command)
    {
        var options = new BusOptions { WorkerId = "starter" };
        await using var bus = new MessageBus(database.DataSource, options, NullLogger<MessageBus>.Instance);
        var engine = new WorkflowEngine(database.DataSource, bus, options, new WorkflowOptions(), TimeProvider.System);
        var request = new PipelineRequest { Repo = repo, Engine = RequestRules.CommandEngine, Command = command, Task = "Make it so." };
        return (await engine.StartAsync(new WorkflowStart(WorkflowTemplate.CodeBuildTest, request, MaxRepairs: 1), null, CancellationToken.None)).Run!.RunId;
    }

    private static Task<bool> WaitsForAsync(TestDatabase database, string words) => database.ScalarAsync<bool>(
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%' || $1 || '%')", words);

    /// <summary>Runs a process until the condition holds, and kills it there.</summary>
    private async Task KilledWhenAsync(TestDatabase database, Dictionary<string, string?> environment, Func<Task<bool>> when)
    {
        await using var process = await CogoProcess.StartAsync(_folder.Path, environment);
        await Eventually.BecomesTrueAsync(when, "the step", 60);
        await process.KillAsync();
        Assert.Equal("running", await database.ScalarAsync<string>("select status from workflow_runs"));
    }

    /// <summary>Lets a step end, and kills the process while it is about to write what follows from that.</summary>
    private async Task WithLockedRunAsync(TestDatabase database, Dictionary<string, string?> environment, string id, string go)
    {
        await using var held = await HoldAsync(database, $"select 1 from workflow_runs where run_id = '{id}' for update");
        await using var process = await CogoProcess.StartAsync(_folder.Path, environment);
        await File.WriteAllTextAsync(Path.Combine(_signals, go), "");
        await Eventually.BecomesTrueAsync(() => WaitsForAsync(database, "for update"), $"what follows from {go}", 60);
        await process.KillAsync();
        await held.ReleaseAsync();
        Assert.Equal("running", await database.ScalarAsync<string>("select status from workflow_runs"));
    }

    private GitRepository Project()
    {
        var repository = new GitRepository(_folder.In("project"), empty: true);
        repository.Write("cogo.json", """{ "test": "sh test.sh" }""");
        repository.Write("test.sh", $"""
            n=$(grep -c . made.txt)
            n=$((n - 1))
            echo x >> {_signals}/test-$n
            until [ -e {_signals}/go-test-$n ]; do sleep 0.05; done
            if [ $n = 1 ]; then ok="ok"; else ok="not ok"; fi
            printf 'TAP version 13\n1..1\n%s 1 - it was mended\n' "$ok" > "$COGO_RESULTS/made.tap"
            [ $n = 1 ]

            """.ReplaceLineEndings("\n"));
        repository.Commit("A test that waits");
        return repository;
    }

    private int Seen(string step) => File.Exists(Path.Combine(_signals, step)) ? File.ReadLines(Path.Combine(_signals, step)).Count() : 0;

    private static async Task<List<(string, int)>> CountsAsync(TestDatabase database, string traceId)
    {
        var counts = new List<(string Type, int Count)>();
        await using var command = database.DataSource.CreateCommand(
            "select type, count(*)::int from bus_events where trace_id = $1 and type !~ '_(progress|retry)$' and type !~ '^execute_' group by type");
        command.Parameters.Add(new NpgsqlParameter { Value = traceId });
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            counts.Add((reader.GetString(0), reader.GetInt32(1)));
        }

        return [.. counts.OrderBy(count => count.Type is "codegen_done" ? 0 : count.Type is "buildtest_done" ? 1 : 2).ThenBy(count => count.Type, StringComparer.Ordinal)];
    }

    private static async Task<Held> HoldAsync(TestDatabase database, string sql)
    {
        var connection = await database.DataSource.OpenConnectionAsync();
        var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        await command.ExecuteNonQueryAsync();
        return new Held(connection, transaction);
    }

    /// <summary>A lock of another program.</summary>
    private sealed class Held(NpgsqlConnection connection, NpgsqlTransaction transaction) : IAsyncDisposable
    {
        private bool _released;

        public async Task ReleaseAsync()
        {
            _released = true;
            await transaction.RollbackAsync();
        }

        public async ValueTask DisposeAsync()
        {
            if (!_released)
            {
                await transaction.RollbackAsync();
            }

            await transaction.DisposeAsync();
            await connection.DisposeAsync();
        }
    }
}
