using Cogo.Core.Database;
using Cogo.Core.Gates;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Metrics;

/// <summary>Computes figures in SQL from the audit log. What each means is in <c>docs/metrics.md</c>.</summary>
public sealed class MetricsReader(NpgsqlDataSource source, TimeProvider time)
{
    private const int TimeoutSeconds = 30;

    private static readonly string Latency = SqlQuery.Load("read_latency");
    private static readonly string Tasks = SqlQuery.Load("read_tasks");
    private static readonly string Decisions = SqlQuery.Load("read_decisions");
    private static readonly string Gates = SqlQuery.Load("read_gates");
    private static readonly string Days = SqlQuery.Load("read_days");

    /// <summary>p50, p90 and p99 by stage, and by route and tenant.</summary>
    public async Task<LatencyFigures> LatencyAsync(MetricsScope scope, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(scope);
        var (since, until) = Span(scope.Window);
        await using var command = Command(Latency, since, until);
        With(command, scope.Route);
        With(command, scope.Tenant);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var (stages, breakdown) = (new List<StageLatency>(), new List<StageLatency>());
        while (await reader.ReadAsync(cancellationToken))
        {
            var whole = reader.GetBoolean(3);
            (whole ? stages : breakdown).Add(new StageLatency(
                reader.GetString(0), Text(reader, 1), Text(reader, 2), reader.GetInt64(4),
                Milliseconds(reader, 5), Milliseconds(reader, 6), Milliseconds(reader, 7), Milliseconds(reader, 8)));
        }

        return new LatencyFigures(scope.Window.ToString(), since, until, stages, breakdown);
    }

    /// <summary>Tasks by verdict.</summary>
    public async Task<TaskFigures> TasksAsync(MetricsScope scope, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(scope);
        var (since, until) = Span(scope.Window);
        await using var command = Command(Tasks, since, until);
        With(command, scope.Route);
        With(command, scope.Tenant);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (ended, passed, failed, infrastructure) = (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(4));
        return new TaskFigures(
            ended, passed, failed, reader.GetInt64(3), infrastructure, reader.GetInt64(5), reader.GetInt64(6),
            Share(infrastructure, ended), Share(passed, passed + failed));
    }

    /// <summary>How many decisions held.</summary>
    public async Task<DecisionQuality> DecisionQualityAsync(MetricsScope scope, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(scope);
        var (since, until) = Span(scope.Window);
        await using var command = Command(Decisions, since, until);
        With(command, scope.Tenant);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
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
        return new DecisionQuality(scope.Window.ToString(), since, until, Share(good, all), all, good, kinds);
    }

    /// <summary>Gates by their last word on each trace; <see cref="GateCounts.All"/> is the last word of all gates.</summary>
    public async Task<GateCounts> GatesAsync(MetricsWindow window, CancellationToken cancellationToken)
    {
        var (since, until) = Span(window);
        await using var command = Command(Gates, since, until);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
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

        return new GateCounts(window.ToString(), since, until, all, each);
    }

    /// <summary>The last days up to now, each 24 h long, oldest first.</summary>
    public async Task<IReadOnlyList<DayFigures>> DaysAsync(int days, CancellationToken cancellationToken)
    {
        var (since, until) = Span(new MetricsWindow(TimeSpan.FromDays(days)));
        await using var command = Command(Days, since, until);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = days });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var read = new List<DayFigures>();
        while (await reader.ReadAsync(cancellationToken))
        {
            read.Add(new DayFigures(
                since + TimeSpan.FromDays(read.Count), reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2),
                reader.IsDBNull(3) ? null : Milliseconds(reader, 3), reader.GetInt64(4), reader.GetInt64(5)));
        }

        return read;
    }

    /// <summary>All of it, shortly.</summary>
    public async Task<MetricsSummary> SummaryAsync(MetricsScope scope, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(scope);
        var tasks = await TasksAsync(scope, cancellationToken);
        var latency = await LatencyAsync(scope, cancellationToken);
        var decisions = await DecisionQualityAsync(scope, cancellationToken);
        var gates = await GatesAsync(scope.Window, cancellationToken);
        return new MetricsSummary(
            scope.Window.ToString(), latency.Since, latency.Until, tasks, latency.Stages,
            new DecisionScore(decisions.Score, decisions.Judged, decisions.Held), gates.All);
    }

    private (DateTimeOffset Since, DateTimeOffset Until) Span(MetricsWindow window)
    {
        // Events carry the database's time; where this clock is behind it by less, nothing is missed.
        var now = time.GetUtcNow();
        return (now - window.Length, now + ClockSlack);
    }

    internal static readonly TimeSpan ClockSlack = TimeSpan.FromMinutes(5);

    private NpgsqlCommand Command(string sql, DateTimeOffset since, DateTimeOffset until)
    {
        var command = source.CreateCommand(sql);
        command.CommandTimeout = TimeoutSeconds;
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = since });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = until });
        return command;
    }

    private static void With(NpgsqlCommand command, string? text) =>
        command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)text ?? DBNull.Value });

    private static string? Text(NpgsqlDataReader reader, int ordinal) => reader.IsDBNull(ordinal) ? null : reader.GetString(ordinal);

    private static double Milliseconds(NpgsqlDataReader reader, int ordinal) => Math.Round(Convert.ToDouble(reader.GetValue(ordinal), System.Globalization.CultureInfo.InvariantCulture), 1);

    private static double? Share(long part, long whole) => whole == 0 ? null : Math.Round((double)part / whole, 4);
}
