using System.Collections.Concurrent;
using System.Globalization;
using Cogo.Tests.Fixtures;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Tests.Metrics;

/// <summary>
/// Events of many tasks as a busy system writes them: several writers at once, each event a transaction, some of which are
/// rolled back. No event of a task is more than a day after its first.
/// </summary>
internal sealed class RandomHistory(TestDatabase database, int seed)
{
    private const int Tasks = 150;
    private const int Writers = 4;

    private static readonly string[] Types =
    [
        "execute_done", "execute_done", "execute_failed", "execute_retry", "codegen_done", "codegen_done", "codegen_failed", "codegen_retry",
        "buildtest_done", "buildtest_done", "buildtest_done", "buildtest_failed", "buildtest_progress", "gate_passed", "gate_failed", "gate_fix",
    ];

    private readonly Random _random = new(seed);

    /// <summary>When the history ends.</summary>
    public DateTimeOffset Now { get; } = DateTimeOffset.UtcNow;

    /// <summary>Hours before <see cref="Now"/> at which windows begin.</summary>
    public static IReadOnlyList<int> Windows { get; } = [2, 12, 24, 40];

    public async Task WriteAsync()
    {
        var events = Enumerable.Range(1, Tasks).SelectMany(TaskOf).OrderByDescending(one => one.HoursAgo).ToList();
        // What is written at once may get ids in another order than times: so not across the beginning of a window.
        foreach (var part in events.GroupBy(one => Windows.Count(start => one.HoursAgo > start)).OrderByDescending(part => part.Key))
        {
            var queue = new ConcurrentQueue<Event>(part);
            await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => WriteAsync(queue)));
        }
    }

    private IEnumerable<Event> TaskOf(int number)
    {
        var trace = ((long)seed << 32 | (uint)number).ToString("x32", CultureInfo.InvariantCulture);
        var tenant = Pick<string?>("shop", "bank", null);
        var first = _random.NextDouble() * 60;
        return [.. Enumerable.Range(0, _random.Next(1, 9)).Select(_ => One(trace, tenant, first - (_random.NextDouble() * Math.Min(first, 10))))];
    }

    private Event One(string trace, string? tenant, double hoursAgo)
    {
        var type = Types[_random.Next(Types.Length)];
        string? route = type.Split('_')[0] switch
        {
            "execute" => "orchestrator/execute/0",
            "codegen" => $"codegen/generate/{_random.Next(3)}",
            "buildtest" => "code/build-test/0",
            _ => null,
        };
        return new Event(
            trace, type, Data(type), Maybe(() => _random.NextInt64(5_000)), Maybe(() => _random.NextInt64(60_000)), hoursAgo, route, _random.Next(4) == 0 ? null : tenant,
            _random.Next(20) == 0);
    }

    private string Data(string type) => type switch
    {
        "codegen_done" => Pick("""{"engine":"patch","next":"code/build-test/0"}""", """{"engine":"openai","next":"code/build-test/0"}""", """{"engine":"patch"}""", """{"next":null}""", "[]"),
        "buildtest_done" => $$"""
            {
              "verdict": "{{Pick("passed", "passed", "failed", "odd")}}",
              "stages": {{Pick("""{"build":12,"test":34.56}""", $$"""{"build":{{_random.Next(9_000)}},"test":{{_random.Next(9_000)}}}""", """{"build":"soon"}""", "7")}}
              {{Pick("", ",\"patch_sha256\":\"p1\"", $",\"patch_sha256\":\"p{_random.Next(5)}\",\"base_commit\":\"b{_random.Next(2)}\"")}}
            }
            """,
        "gate_passed" or "gate_failed" => Pick("""{"gate":"local"}""", """{"gate":"workflow"}""", "{}", """{"gate":null}"""),
        _ => Pick("{}", """{"verdict":"invalid"}""", """{"verdict":"failed"}""", """{"verdict":"infrastructure"}"""),
    };

    private async Task WriteAsync(ConcurrentQueue<Event> events)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync();
        while (events.TryDequeue(out var one))
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await using var insert = new NpgsqlCommand(
                """
                insert into bus_events (trace_id, type, data, queued_ms, ran_ms, created_at, route, tenant)
                values ($1, $2, $3::jsonb, $4, $5, $6, $7, $8)
                """, connection, transaction);
            object?[] values = [one.Trace, one.Type, one.Data, one.Queued, one.Ran, Now.AddHours(-one.HoursAgo), one.Route, one.Tenant];
            NpgsqlDbType[] types =
            [
                NpgsqlDbType.Text, NpgsqlDbType.Text, NpgsqlDbType.Text, NpgsqlDbType.Bigint,
                NpgsqlDbType.Bigint, NpgsqlDbType.TimestampTz, NpgsqlDbType.Text, NpgsqlDbType.Text,
            ];
            for (var i = 0; i < values.Length; i++)
            {
                insert.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = types[i], Value = values[i] ?? DBNull.Value });
            }

            await insert.ExecuteNonQueryAsync();
            if (one.IsLost)
            {
                await transaction.RollbackAsync();
            }
            else
            {
                await transaction.CommitAsync();
            }
        }
    }

    private T Pick<T>(params ReadOnlySpan<T> choices) => choices[_random.Next(choices.Length)];

    private long? Maybe(Func<long> value) => _random.Next(4) == 0 ? null : value();

    private sealed record Event(string Trace, string Type, string Data, long? Queued, long? Ran, double HoursAgo, string? Route, string? Tenant, bool IsLost);
}
