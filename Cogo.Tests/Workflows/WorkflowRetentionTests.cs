using Cogo.Core.Bus;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Workflows;

public sealed class WorkflowRetentionTests : IAsyncLifetime
{
    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync() => _database = await PostgresServers.CreateDatabaseAsync();

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task Runs_that_ended_long_ago_leave_with_their_steps_and_keys()
    {
        await AddAsync("passed", daysAgo: 30, runs: 1_200);
        await AddAsync("failed", daysAgo: 1, runs: 2);
        await AddAsync("running", daysAgo: 30, runs: 3);

        await KeepHouseAsync(TimeSpan.FromDays(7));

        Assert.Equal("failed 2, running 3", await CountsAsync());
        Assert.Equal(5, await _database.ScalarAsync<long>("select count(*) from workflow_steps"));
        Assert.Equal(5, await _database.ScalarAsync<long>("select count(*) from workflow_keys"));
    }

    [Fact]
    public async Task A_batch_is_as_large_as_it_is_said_to_be_and_takes_the_oldest()
    {
        await AddAsync("passed", daysAgo: 30, runs: 3);
        await AddAsync("failed", daysAgo: 20, runs: 3);

        Assert.Equal(4, await _database.ScalarAsync<int>("select cogo_prune_workflows(interval '7 days', 4)"));

        Assert.Equal("failed 2", await CountsAsync());
    }

    [Fact]
    public async Task A_run_that_somebody_is_changing_is_left_for_the_next_time()
    {
        await AddAsync("failed", daysAgo: 30, runs: 2);
        await using (var connection = await _database.DataSource.OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using var change = connection.CreateCommand();
            change.CommandText = "select run_id from workflow_runs limit 1 for update";
            await change.ExecuteScalarAsync();

            await KeepHouseAsync(TimeSpan.FromDays(7));

            Assert.Equal("failed 1", await CountsAsync());
        }

        await KeepHouseAsync(TimeSpan.FromDays(7));
        Assert.Equal("", await CountsAsync());
    }

    [Fact]
    public async Task Without_a_retention_everything_stays()
    {
        await AddAsync("passed", daysAgo: 3_000, runs: 1);

        await KeepHouseAsync(null);

        Assert.Equal("passed 1", await CountsAsync());
    }

    [Fact]
    public async Task What_figures_are_computed_from_leaves_too()
    {
        foreach (var (trace, days) in new[] { ("old", 30), ("new", 1) })
        {
            foreach (var type in new[] { "execute_done", "buildtest_done", "gate_passed" })
            {
                await _database.ExecuteAsync(
                    """insert into bus_events (trace_id, type, data, created_at) values ($1, $2, '{"verdict":"passed"}', clock_timestamp() - make_interval(days => $3))""", trace, type, days);
            }
        }

        await _database.ExecuteAsync("insert into bus_events (trace_id, type, created_at) values ('lost', 'execute_done', clock_timestamp() - interval '30 days')");

        await KeepHouseAsync(TimeSpan.FromDays(7));

        Assert.Equal("new", await _database.ScalarAsync<string>("select string_agg(trace_id, ',') from task_outcomes"));
        Assert.Equal("new", await _database.ScalarAsync<string>("select string_agg(distinct trace_id, ',') from gate_words"));
        Assert.Equal(2, await _database.ScalarAsync<long>("select count(*) from attempt_results"));
    }

    private Task KeepHouseAsync(TimeSpan? retention) =>
        new PostgresStore(_database.DataSource, new BusOptions { Retention = retention }, TimeProvider.System).KeepHouseAsync(CancellationToken.None);

    private Task<int> AddAsync(string status, int daysAgo, int runs) => _database.ExecuteAsync(
        """
        with run as (
          insert into workflow_runs (run_id, template, trace_id, task_id, request, status, max_repairs, repairs_left, created_at, ended_at)
          select 'run-' || replace(gen_random_uuid()::text, '-', ''), 'codeBuildTest', cogo_new_trace_id(), 't', '{}', $1, 0, 0,
            clock_timestamp() - make_interval(days => $2), case when $1 <> 'running' then clock_timestamp() - make_interval(days => $2) end
          from generate_series(1, $3)
          returning run_id
        ), step as (
          insert into workflow_steps (run_id, step, name, attempt, route, task_id) select run_id, 1, 'codegen', 1, 'codegen/generate/0', 't' from run
        )
        insert into workflow_keys (key, fingerprint, run_id) select run_id, 'f', run_id from run
        """, status, daysAgo, runs);

    private async Task<string> CountsAsync() => await _database.ScalarAsync<string>(
        "select coalesce(string_agg(status || ' ' || runs, ', ' order by status), '') from (select status, count(*) as runs from workflow_runs group by status) one") ?? "";
}
