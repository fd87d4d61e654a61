using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Benchmarks;

/// <summary>A database that keeps so many past days of finished messages, and what a claim costs there.</summary>
internal sealed class KeptDays : IAsyncDisposable
{
    /// <summary>Messages a claim.</summary>
    public const int Batch = 10;

    private const string Lane = "public.cogo_lane('bench', 'work', '0')";
    private const int DrainBatch = 5_000;
    private static readonly TimeSpan SettingAside = TimeSpan.FromMinutes(5);

    // Days as the migration makes them, for those that have passed.
    private const string MakeDays =
        """
        do $$
        declare
          parent text;
          day date;
        begin
          foreach parent in array array['agent_messages', 'bus_events'] loop
            for back in 1 .. {0} loop
              day := (now() at time zone 'utc')::date - back;
              execute format('create table public.%I partition of public.%I for values from (%L) to (%L)',
                parent || '_' || to_char(day, 'YYYYMMDD'), parent, day::timestamp at time zone 'utc', (day + 1)::timestamp at time zone 'utc');
            end loop;
          end loop;
        end $$
        """;

    private const string Fill =
        """
        insert into public.agent_messages (service, role, shard, payload, created_at)
        select 'bench', 'work', '0', jsonb_build_object('n', n, 'pad', repeat('x', 80)),
          ((now() at time zone 'utc')::date - back)::timestamp at time zone 'utc' + n * interval '20 seconds'
        from generate_series($1::int, 1, -1) back, generate_series(1, $2::int) n
        """;

    private readonly string _connectionString;
    private readonly NpgsqlConnection _warm;
    private long _session;

    private KeptDays(int days, string connectionString, NpgsqlConnection warm) => (Days, _connectionString, _warm) = (days, connectionString, warm);

    public int Days { get; }

    /// <summary>Days that the database set aside, as a worker would have it do; null: its schema is older than that.</summary>
    public int? SetAside { get; private set; }

    /// <param name="name">Of the database, which is made.</param>
    public static async Task<KeptDays> CreateAsync(BenchmarkServer server, string name, int days, int messagesADay, CancellationToken cancellationToken)
    {
        await server.CreateCogoDatabaseAsync(name, NullLogger.Instance, cancellationToken);
        var connectionString = new NpgsqlConnectionStringBuilder(server.ConnectionString(name)) { Pooling = false, CommandTimeout = 600 }.ConnectionString;
        var warm = new NpgsqlConnection(connectionString);
        var kept = new KeptDays(days, connectionString, warm);
        try
        {
            await warm.OpenAsync(cancellationToken);
            await kept.FillAsync(messagesADay, cancellationToken);
            return kept;
        }
        catch
        {
            await kept.DisposeAsync();
            throw;
        }
    }

    /// <summary>Milliseconds: a claim, and what an idle worker asks, each the median of so many; and the first claim of a new connection.</summary>
    public async Task<(double Claim, double Poll, double First)> MeasureAsync(int samples, CancellationToken cancellationToken)
    {
        await ExecuteAsync(
            $"insert into public.agent_messages (service, role, shard, payload) select 'bench', 'work', '0', '{{}}' from generate_series(1, {(samples + 1) * Batch})", cancellationToken);
        await using var fresh = new NpgsqlConnection(_connectionString);
        await fresh.OpenAsync(cancellationToken);
        var first = await TimeAsync(fresh, $"select count(*) from public.cogo_claim({Lane}, {_session}, {Batch})", Batch, cancellationToken);
        var claim = await MedianAsync($"select count(*) from public.cogo_claim({Lane}, {_session}, {Batch})", Batch, samples, cancellationToken);
        await AcknowledgeAsync(cancellationToken);
        return (claim, await MedianAsync($"select count(*) from public.cogo_ready_lanes(array[{Lane}])", 0, samples, cancellationToken), first);
    }

    public ValueTask DisposeAsync() => _warm.DisposeAsync();

    private async Task FillAsync(int messagesADay, CancellationToken cancellationToken)
    {
        await ExecuteAsync(MakeDays.Replace("{0}", Days.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal), cancellationToken);
        await using (var fill = new NpgsqlCommand(Fill, _warm))
        {
            fill.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Days });
            fill.Parameters.Add(new NpgsqlParameter<int> { TypedValue = messagesADay });
            await fill.ExecuteNonQueryAsync(cancellationToken);
        }

        _session = await OpenSessionAsync(cancellationToken);
        var finished = 0L;
        while (await ScalarAsync($"select count(*) from public.cogo_claim({Lane}, {_session}, {DrainBatch})", cancellationToken) is var claimed and > 0)
        {
            finished += claimed;
            await AcknowledgeAsync(cancellationToken);
        }

        if (finished != (long)Days * messagesADay)
        {
            throw new InvalidOperationException($"{finished} messages of {Days} days were finished, not {(long)Days * messagesADay}.");
        }

        await ExecuteAsync($"select public.cogo_end_session({_session}, 'The past is laid out.')", cancellationToken);
        await ExecuteAsync("select public.cogo_ensure_partitions()", cancellationToken);
        if (await ScalarAsync("select count(to_regprocedure('public.cogo_set_day_aside(interval)'))", cancellationToken) == 1)
        {
            SetAside = await SetAsideAsync(cancellationToken);
        }

        await ExecuteAsync("vacuum analyze", cancellationToken);
        _session = await OpenSessionAsync(cancellationToken);
    }

    /// <summary>Step by step, until no step is left. One that meets a lock of vacuum's is tried again.</summary>
    private async Task<int> SetAsideAsync(CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var days = 0;
        while (days < Days && clock.Elapsed < SettingAside)
        {
            await using var step = new NpgsqlCommand("select public.cogo_set_day_aside()", _warm);
            switch (await step.ExecuteScalarAsync(cancellationToken) as string)
            {
                case null:
                    await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
                    break;
                case var done when done.EndsWith(": set aside", StringComparison.Ordinal):
                    days++;
                    break;
            }
        }

        return days;
    }

    /// <summary>All that the session holds, and that all was accepted.</summary>
    private async Task AcknowledgeAsync(CancellationToken cancellationToken)
    {
        var refused = await ScalarAsync(
            $"""
            select count(refused) from public.bus_claims c left join lateral public.cogo_acknowledge(c.session_id, c.claim_id, c.ids) refused on true
            where c.session_id = {_session} and not exists (select 1 from public.bus_acks a where a.claim_id = c.claim_id)
            """,
            cancellationToken);
        if (refused > 0)
        {
            throw new InvalidOperationException($"{refused} acknowledgements were refused.");
        }
    }

    private Task<long> OpenSessionAsync(CancellationToken cancellationToken) => ScalarAsync(
        "insert into public.bus_sessions (worker_id, host, pid, pid_started, lease_until) values ('benchmark', '', 0, 0, 'infinity') returning session_id", cancellationToken);

    private async Task<double> MedianAsync(string sql, long expected, int samples, CancellationToken cancellationToken)
    {
        var took = new double[samples];
        for (var i = 0; i < samples; i++)
        {
            took[i] = await TimeAsync(_warm, sql, expected, cancellationToken);
        }

        return new Reporting.Series(took).Median;
    }

    private static async Task<double> TimeAsync(NpgsqlConnection connection, string sql, long expected, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        var started = Stopwatch.GetTimestamp();
        var answer = (long)(await command.ExecuteScalarAsync(cancellationToken))!;
        var took = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        return answer == expected ? took : throw new InvalidOperationException($"'{sql}' gave {answer} rows, not {expected}.");
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, _warm);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<long> ScalarAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, _warm);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
