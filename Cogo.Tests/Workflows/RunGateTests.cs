using Cogo.Core.Database;
using Cogo.Core.Gates;
using Cogo.Core.Workflows;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Workflows;

public sealed class RunGateTests
{
    [Fact]
    public async Task A_gate_that_was_stored_in_the_earlier_form_reads_as_all_gates_do()
    {
        const string run = "run-0af7651916cd43dd8448eb211c80319c";
        await using var database = await PostgresServers.CreateDatabaseAsync();
        await database.ExecuteAsync(
            """
            insert into workflow_runs (run_id, template, trace_id, task_id, request, status, max_repairs, repairs_left, ended_at, gate)
            values ($1, 'codeBuildTest', '0af7651916cd43dd8448eb211c80319c', 't', '{}', 'failed', 0, 0, now(),
              '{"verdict": "fail", "rules": [{"rule": "build_test", "expected": "passed", "actual": "failed", "verdict": "fail", "reason": "Red."},
                {"rule": "tests_run", "expected": "at least 1", "verdict": "unknown", "reason": "Not counted."}]}')
            """, run);
        var script = MigrationScript.Embedded.Single(one => one.Version == 18);

        await database.ExecuteAsync(script.Sql);
        await database.ExecuteAsync(script.Sql);

        var gate = (await new WorkflowReader(database.DataSource).FindAsync(run, CancellationToken.None))!.Gate!;
        Assert.Equal(("workflow", GateVerdict.Fail), (gate.Gate, gate.Verdict));
        Assert.Equal(
            [new GateRule("build_test", "passed", "failed", GateVerdict.Fail, "Red."), new GateRule("tests_run", "at least 1", "no data", GateVerdict.Unknown, "Not counted.")],
            gate.Rules);
    }
}
