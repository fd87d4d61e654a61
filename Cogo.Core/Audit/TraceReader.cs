using System.Text.Json;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Audit;

/// <summary>Reads a trace out of <c>bus_events</c>, <c>agent_messages</c>, <c>artifacts</c> and <c>workflow_steps</c>.</summary>
/// <remarks>On connections of its own, which keep the plans of its functions: planning them takes ten times what running them does.</remarks>
public sealed class TraceReader(NpgsqlDataSource source) : IAsyncDisposable
{
    /// <summary>Most entries in one answer.</summary>
    public const int Limit = 5_000;

    private const string Summary = "select * from public.cogo_trace_summary($1)";
    private const string Timeline = "select * from public.cogo_trace_timeline($1, $2, $3)";

    private readonly StandingConnections _connections = new(source);

    /// <summary>Whether the text is a trace id: 32 lowercase hex digits.</summary>
    public static bool IsTraceId(string? text) =>
        text is { Length: 32 } && text.All(c => char.IsAsciiHexDigitLower(c));

    /// <summary>
    /// Null when nothing has this trace id. With <paramref name="afterEvent"/> the timeline holds only events with a
    /// higher id; the rest of the answer is about the whole trace all the same. Ids are handed out before commit, so an
    /// event may turn up below one that was seen already: a follower asks from a little further back and skips what it knows.
    /// </summary>
    public async Task<TraceTimeline?> ReadAsync(string traceId, long? afterEvent, CancellationToken cancellationToken)
    {
        await using var rented = await _connections.RentAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(rented.Connection);
        // In this order: a verdict that the first statement saw is backed by events that the second one sees too.
        var summary = new NpgsqlBatchCommand(Summary);
        summary.Parameters.Add(new NpgsqlParameter<string> { TypedValue = traceId });
        batch.BatchCommands.Add(summary);
        var timeline = new NpgsqlBatchCommand(Timeline);
        timeline.Parameters.Add(new NpgsqlParameter<string> { TypedValue = traceId });
        timeline.Parameters.Add(new NpgsqlParameter { Value = (object?)afterEvent ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        timeline.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Limit + 1L });
        batch.BatchCommands.Add(timeline);

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        var endingType = Text(reader, 2);
        var trace = new TraceTimeline
        {
            TraceId = traceId,
            StartedAt = reader.GetFieldValue<DateTimeOffset>(0),
            TaskId = Text(reader, 1),
            Verdict = endingType is null ? null : VerdictOf(endingType, Text(reader, 3)),
            Reason = Text(reader, 4),
            EndedAt = endingType is null ? null : reader.GetFieldValue<DateTimeOffset>(5),
            Timeline = [],
        };
        await reader.NextResultAsync(cancellationToken);
        var entries = new List<TimelineEntry>();
        while (await reader.ReadAsync(cancellationToken))
        {
            entries.Add(Entry(reader));
        }

        var hasMore = entries.Count > Limit;
        return trace with { Timeline = hasMore ? entries[..Limit] : entries, HasMore = hasMore };
    }

    public ValueTask DisposeAsync() => _connections.DisposeAsync();

    // A failure that does not say whose fault it is tells nothing about the change.
    private static Verdict VerdictOf(string type, string? word) =>
        Enum.TryParse<Verdict>(word, ignoreCase: true, out var verdict) && Enum.IsDefined(verdict)
            ? verdict
            : type is EventTypes.CodegenDone or EventTypes.IndexingDone ? Verdict.Passed : Verdict.Infrastructure;

    private static TimelineEntry Entry(NpgsqlDataReader reader) => new()
    {
        At = reader.GetFieldValue<DateTimeOffset>(0),
        Kind = reader.GetString(1) switch
        {
            "event" => TimelineKind.Event,
            "message" => TimelineKind.Message,
            "step" => TimelineKind.Step,
            "span" => TimelineKind.Span,
            _ => TimelineKind.Artifact,
        },
        Id = reader.IsDBNull(2) ? null : reader.GetInt64(2),
        Type = reader.GetString(3),
        Route = Text(reader, 4),
        MessageId = reader.IsDBNull(5) ? null : reader.GetInt64(5),
        Attempt = reader.IsDBNull(6) ? null : reader.GetInt32(6),
        Worker = Text(reader, 7),
        Data = Text(reader, 8) is { } json ? JsonSerializer.Deserialize<JsonElement>(json) : null,
        Tenant = Text(reader, 9),
        QueuedMs = reader.IsDBNull(10) ? null : reader.GetInt64(10),
        RanMs = reader.IsDBNull(11) ? null : reader.GetInt64(11),
    };

    private static string? Text(NpgsqlDataReader reader, int ordinal) => reader.IsDBNull(ordinal) ? null : reader.GetString(ordinal);
}
