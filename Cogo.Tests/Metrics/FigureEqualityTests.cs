using System.Globalization;
using Cogo.Core.Database;
using Cogo.Tests.Fixtures;
using Npgsql;
using NpgsqlTypes;
using Xunit;

namespace Cogo.Tests.Metrics;

/// <summary>What is noted of each event as it is written sums up to what the audit log says.</summary>
public sealed class FigureEqualityTests
{
    private static readonly (string? Route, string? Tenant)[] Scopes = [(null, null), ("code/build-test/0", null), (null, "shop"), ("codegen/generate/1", "bank")];

    [Theory]
    [InlineData(1, 18)]
    [InlineData(2, 18)]
    [InlineData(3, 15)]
    public async Task Figures_of_a_random_history_are_what_their_definition_says(int seed, int major)
    {
        await using var database = await PostgresServers.CreateDatabaseAsync(major);
        var history = new RandomHistory(database, seed);
        await history.WriteAsync();

        await AgreeAsync(database, history.Now);
    }

    [Fact]
    public async Task What_is_rebuilt_from_the_audit_log_is_what_was_noted()
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        var history = new RandomHistory(database, 4);
        await history.WriteAsync();
        foreach (var table in new[] { "task_outcomes", "attempt_results", "gate_words" })
        {
            await database.ExecuteAsync($"create table noted_{table} as select * from {table}");
            await database.ExecuteAsync($"update {table} set {(table == "task_outcomes" ? "verdict = 'lost'" : "passed = not passed")}");
        }

        await database.ExecuteAsync("select cogo_rebuild_figures()");

        foreach (var table in new[] { "task_outcomes", "attempt_results", "gate_words" })
        {
            Assert.True(await database.ScalarAsync<long>($"select count(*) from {table}") > 50);
            Assert.Equal(0, await database.ScalarAsync<long>($"select count(*) from (select * from {table} except all select * from noted_{table}) more"));
            Assert.Equal(0, await database.ScalarAsync<long>($"select count(*) from (select * from noted_{table} except all select * from {table}) less"));
        }

        await AgreeAsync(database, history.Now);
    }

    [Fact]
    public async Task An_event_with_absurd_data_is_written_all_the_same()
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();

        await database.ExecuteAsync(
            """
            insert into bus_events (trace_id, type, queued_ms, ran_ms, data) values
              ('t', 'execute_done', 9223372036854775807, 9223372036854775807, '[]'),
              ('t', 'codegen_done', -9223372036854775808, -9223372036854775808, '7'),
              ('t', 'buildtest_done', null, null, '{"verdict": {"a": 1}, "stages": [], "patch_sha256": 1}'),
              ('t', 'gate_failed', null, null, jsonb_build_object('gate', repeat('x', 10000)))
            """);

        Assert.Equal("""{"a": 1}""", await database.ScalarAsync<string>("select verdict from task_outcomes"));
        Assert.Equal(200, await database.ScalarAsync<int>("select max(length(gate)) from gate_words"));
    }

    private static async Task AgreeAsync(TestDatabase database, DateTimeOffset now)
    {
        var answers = new HashSet<string>(StringComparer.Ordinal);
        foreach (var hours in RandomHistory.Windows)
        {
            var (since, until) = (now.AddHours(-hours), now.AddMinutes(5));
            foreach (var (route, tenant) in Scopes)
            {
                await AgreeAsync("read_tasks", FigureDefinition.Tasks, since, until, route, tenant);
                var latency = await AgreeAsync("read_latency", FigureDefinition.Latency, since, until, route, tenant);
                Assert.Equal(latency.Where(row => row.Contains("|True|", StringComparison.Ordinal)), await RowsAsync(SqlQuery.Load("read_stages"), since, until, route, tenant));
            }

            await AgreeAsync("read_decisions", FigureDefinition.Decisions, since, until, (string?)null);
            await AgreeAsync("read_decisions", FigureDefinition.Decisions, since, until, "shop");
            await AgreeAsync("read_gates", FigureDefinition.Gates, since, until);
        }

        // Not the same nothing over and over.
        Assert.True(answers.Count > 20, string.Join('\n', answers));

        async Task<List<string>> AgreeAsync(string query, string definition, DateTimeOffset since, DateTimeOffset until, params string?[] texts)
        {
            var wanted = await RowsAsync(definition, since, until, texts);
            Assert.Equal(wanted, await RowsAsync(SqlQuery.Load(query), since, until, texts));
            answers.Add(string.Join('\n', wanted));
            return wanted;
        }

        async Task<List<string>> RowsAsync(string sql, DateTimeOffset since, DateTimeOffset until, params string?[] texts)
        {
            await using var command = database.DataSource.CreateCommand(sql);
            command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = since });
            command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = until });
            foreach (var text in texts)
            {
                command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)text ?? DBNull.Value });
            }

            await using var reader = await command.ExecuteReaderAsync();
            var rows = new List<string>();
            while (await reader.ReadAsync())
            {
                rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => Shown(reader.GetValue(i)))));
            }

            return rows;
        }
    }

    // To a tenth of a millisecond, as the answer shows it.
    private static string Shown(object value) => value switch
    {
        double number => Math.Round(number, 1).ToString(CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
