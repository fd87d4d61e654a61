using Cogo.Core.Database;
using Cogo.Core.Gates;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Metrics;

/// <summary>Computes figures in SQL from the audit log. What each means is in <c>docs/metrics.md</c>.</summary>
public sealed class MetricsReader(NpgsqlDataSource source, TimeProvider time)
{
    private const int TimeoutSeconds = 30;

    private static readonly string Spacious = SqlQuery.Load("spacious_sorts");
    private static readonly string Latency = SqlQuery.Load("read_latency");
    private static readonly string Stages = SqlQuery.Load("read_stages");
    private static readonly string Tasks = SqlQuery.Load("read_tasks");
    private static readonly string Decisions = SqlQuery.Load("read_decisions");
    private static readonly string Gates = SqlQuery.Load("read_gates");
    private static readonly string Days = SqlQuery.Load("read_days");

    internal static readonly TimeSpan ClockSlack = TimeSpan.FromMinutes(5);

    /// <summary>p50, p90 and p99 by stage, and by route and tenant.</summary>
    public async Task<LatencyFigures> LatencyAsync(MetricsScope scope, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(scope);
        var span = SpanOf(scope.Window);
        await using var batch = Batch();
        Add(batch, Latency, span, scope.Route, scope.Tenant);
        await using var reader = await ReadAsync(batch, cancellationToken);
        var all = await StagesAsync(reader, cancellationToken);
        return new LatencyFigures(
            span.Window, span.Since, span.Until, [.. all.Where(row => row.Whole).Select(row => row.Latency)], [.. all.Where(row => !row.Whole).Select(row => row.Latency)]);
    }

    /// <summary>How many decisions held.</summary>
    public async Task<DecisionQuality> DecisionQualityAsync(MetricsScope scope, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(scope);
        var span = SpanOf(scope.Window);
        await using var batch = Batch();
        Add(batch, Decisions, span, scope.Tenant);
        await using var reader = await ReadAsync(batch, cancellationToken);
        return await DecisionsAsync(reader, span, cancellationToken);
    }

    /// <summary>Gates by their last word on each trace; <see cref="GateCounts.All"/> is the last word of all gates.</summary>
    public async Task<GateCounts> GatesAsync(MetricsWindow window, CancellationToken cancellationToken)
    {
        var span = SpanOf(window);
        await using var batch = Batch();
        Add(batch, Gates, span);
        await using var reader = await ReadAsync(batch, cancellationToken);
        return await GatesAsync(reader, span, cancellationToken);
    }

    /// <summary>The last days up to now, each 24 h long, oldest first.</summary>
    public async Task<IReadOnlyList<DayFigures>> DaysAsync(int days, CancellationToken cancellationToken)
    {
        var span = SpanOf(new MetricsWindow(TimeSpan.FromDays(days)));
        await using var batch = Batch();
        Add(batch, Days, span);
        batch.BatchCommands[^1].Parameters.Add(new NpgsqlParameter<int> { TypedValue = days });
        await using var reader = await ReadAsync(batch, cancellationToken);
        var read = new List<DayFigures>();
        while (await reader.ReadAsync(cancellationToken))
        {
            read.Add(new DayFigures(
                span.Since + TimeSpan.FromDays(read.Count), reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2),
                reader.IsDBNull(3) ? null : Milliseconds(reader, 3), reader.GetInt64(4), reader.GetInt64(5)));
        }

        return read;
    }

    /// <summary>All of it, shortly.</summary>
    public async Task<MetricsSummary> SummaryAsync(MetricsScope scope, CancellationToken cancellationToken) =>
        (await SummaryWithGatesAsync(scope, cancellationToken)).Summary;

    /// <summary>All of it, and each gate, in one round trip.</summary>
    public async Task<(MetricsSummary Summary, GateCounts Gates)> SummaryWithGatesAsync(MetricsScope scope, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(scope);
        var span = SpanOf(scope.Window);
        await using var batch = Batch();
        Add(batch, Tasks, span, scope.Route, scope.Tenant);
        Add(batch, Stages, span, scope.Route, scope.Tenant);
        Add(batch, Decisions, span, scope.Tenant);
        Add(batch, Gates, span);
        await using var reader = await ReadAsync(batch, cancellationToken);
        var tasks = await TasksAsync(reader, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var stages = await StagesAsync(reader, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var decisions = await DecisionsAsync(reader, span, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var gates = await GatesAsync(reader, span, cancellationToken);
        var summary = new MetricsSummary(
            span.Window, span.Since, span.Until, tasks, [.. stages.Select(row => row.Latency)],
            new DecisionScore(decisions.Score, decisions.Judged, decisions.Held), gates.All);
        return (summary, gates);
    }

    private static async Task<TaskFigures> TasksAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        await reader.ReadAsync(cancellationToken);
        var (ended, passed, failed, infrastructure) = (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(4));
        return new TaskFigures(
            ended, passed, failed, reader.GetInt64(3), infrastructure, reader.GetInt64(5), reader.GetInt64(6),
            Share(infrastructure, ended), Share(passed, passed + failed), reader.GetInt64(7));
    }

    private static async Task<List<(bool Whole, StageLatency Latency)>> StagesAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var all = new List<(bool, StageLatency)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            all.Add((reader.GetBoolean(3), new StageLatency(
                reader.GetString(0), Text(reader, 1), Text(reader, 2), reader.GetInt64(4),
                Milliseconds(reader, 5), Milliseconds(reader, 6), Milliseconds(reader, 7), Milliseconds(reader, 8))));
        }

        return all;
    }

    private static async Task<DecisionQuality> DecisionsAsync(NpgsqlDataReader reader, Span span, CancellationToken cancellationToken)
    {
        var kinds = new List<DecisionKind>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var (judged, held) = (reader.GetInt64(2), reader.GetInt64(3));
            if (judged > 0)
            {
                kinds.Add(new DecisionKind(reader.GetString(0), Text(reader, 1), judged, held, Share(held, judged)!.Value));
            }
        }

        var (all, good) = (kinds.Sum(kind => kind.Judged), kinds.Sum(kind => kind.Held));
        return new DecisionQuality(span.Window, span.Since, span.Until, Share(good, all), all, good, kinds);
    }

    private static async Task<GateCounts> GatesAsync(NpgsqlDataReader reader, Span span, CancellationToken cancellationToken)
    {
        var all = new GateCount(null, 0, 0, null);
        var each = new List<GateCount>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var (passed, failed) = (reader.GetInt64(1), reader.GetInt64(2));
            var count = new GateCount(Text(reader, 0), passed, failed, Share(passed, passed + failed));
            if (count.Gate is null)
            {
                all = count;
            }
            else
            {
                each.Add(count);
            }
        }

        return new GateCounts(span.Window, span.Since, span.Until, all, each);
    }

    private Span SpanOf(MetricsWindow window)
    {
        // Events carry the database's time; where this clock is behind it by less, nothing is missed.
        var now = time.GetUtcNow();
        return new Span(window.ToString(), now - window.Length, now + ClockSlack);
    }

    private NpgsqlBatch Batch()
    {
        var batch = source.CreateBatch();
        batch.Timeout = TimeoutSeconds;
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Spacious));
        return batch;
    }

    private static void Add(NpgsqlBatch batch, string sql, Span span, params ReadOnlySpan<string?> texts)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = span.Since });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = span.Until });
        foreach (var text in texts)
        {
            command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)text ?? DBNull.Value });
        }

        batch.BatchCommands.Add(command);
    }

    /// <summary>At the first result of the statements that were added.</summary>
    private static async Task<NpgsqlDataReader> ReadAsync(NpgsqlBatch batch, CancellationToken cancellationToken)
    {
        var reader = await batch.ExecuteReaderAsync(cancellationToken);
        try
        {
            await reader.NextResultAsync(cancellationToken);
            return reader;
        }
        catch
        {
            await reader.DisposeAsync();
            throw;
        }
    }

    private static string? Text(NpgsqlDataReader reader, int ordinal) => reader.IsDBNull(ordinal) ? null : reader.GetString(ordinal);

    private static double Milliseconds(NpgsqlDataReader reader, int ordinal) => Math.Round(Convert.ToDouble(reader.GetValue(ordinal), System.Globalization.CultureInfo.InvariantCulture), 1);

    private static double? Share(long part, long whole) => whole == 0 ? null : Math.Round((double)part / whole, 4);

    private sealed record Span(string Window, DateTimeOffset Since, DateTimeOffset Until);
}
