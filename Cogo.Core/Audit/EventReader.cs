using System.Text.Json;
using Cogo.Core.Database;
using Cogo.Core.Metrics;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Audit;

/// <summary>A row of <c>bus_events</c>.</summary>
/// <param name="QueuedMs">How long the message waited to be claimed; of an event that ends a first attempt.</param>
/// <param name="RanMs">How long the attempt ran; of an event that ends one.</param>
public sealed record EventEntry(
    DateTimeOffset At, long Id, string TraceId, string Type, long? MessageId, string? Route, int? Attempt, string? Worker,
    string? Tenant, long? QueuedMs, long? RanMs, JsonElement? Data);

/// <summary>A page of events, newest first.</summary>
/// <param name="NextCursor">Asks for the next page; absent on the last one.</param>
public sealed record EventPage(IReadOnlyList<EventEntry> Events, string? NextCursor);

/// <summary>Which events are wanted; null: no matter.</summary>
public sealed record EventFilter
{
    public IReadOnlyList<string>? Types { get; init; }

    public string? TraceId { get; init; }

    /// <summary><c>service/role/shard</c>.</summary>
    public string? Route { get; init; }

    public string? Tenant { get; init; }
}

/// <summary>Lists the audit log.</summary>
public sealed class EventReader(NpgsqlDataSource source, TimeProvider time)
{
    private const string Cursors = "events";

    private static readonly string List = SqlQuery.Load("list_events");

    /// <exception cref="CursorException">The cursor is not one of this list.</exception>
    public async Task<EventPage> ListAsync(MetricsWindow window, EventFilter filter, int limit, string? cursor, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var after = EventCursor.Read(cursor, Cursors);
        var now = time.GetUtcNow();
        await using var command = source.CreateCommand(List);
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now - window.Length });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now + MetricsReader.ClockSlack });
        command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text, Value = filter.Types is { } types ? types.ToArray() : DBNull.Value });
        foreach (var text in new[] { filter.TraceId, filter.Route, filter.Tenant })
        {
            command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)text ?? DBNull.Value });
        }

        command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.TimestampTz, Value = (object?)after?.CreatedAt ?? DBNull.Value });
        command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Bigint, Value = (object?)after?.Id ?? DBNull.Value });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = limit + 1L });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var events = new List<EventEntry>();
        while (await reader.ReadAsync(cancellationToken))
        {
            events.Add(Entry(reader));
        }

        if (events.Count <= limit)
        {
            return new EventPage(events, null);
        }

        events.RemoveAt(limit);
        return new EventPage(events, new EventCursor(events[^1].At, events[^1].Id).Write(Cursors));
    }

    private static EventEntry Entry(NpgsqlDataReader reader)
    {
        string? Text(int ordinal) => reader.IsDBNull(ordinal) ? null : reader.GetString(ordinal);
        long? Number(int ordinal) => reader.IsDBNull(ordinal) ? null : reader.GetInt64(ordinal);
        return new EventEntry(
            reader.GetFieldValue<DateTimeOffset>(0), reader.GetInt64(1), reader.GetString(2), reader.GetString(3), Number(4), Text(5),
            reader.IsDBNull(6) ? null : reader.GetInt32(6), Text(7), Text(8), Number(9), Number(10),
            Text(11) is { } json ? JsonSerializer.Deserialize<JsonElement>(json) : null);
    }
}
