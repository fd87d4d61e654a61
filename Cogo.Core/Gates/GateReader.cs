using System.Text.Json;
using Cogo.Core.Audit;
using Cogo.Core.Database;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Gates;

/// <summary>Lists what gates left in the audit log.</summary>
public sealed class GateReader(NpgsqlDataSource source)
{
    private const string Cursors = "fixes";

    private static readonly string List = SqlQuery.Load("list_gate_fixes");

    /// <summary>The newest fixes, each with its lint and coverage artifacts.</summary>
    /// <exception cref="CursorException">The cursor is not one of this list.</exception>
    public async Task<GateFixPage> FixesAsync(int limit, string? cursor, CancellationToken cancellationToken)
    {
        var after = EventCursor.Read(cursor, Cursors);
        await using var command = source.CreateCommand(List);
        command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.TimestampTz, Value = (object?)after?.CreatedAt ?? DBNull.Value });
        command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Bigint, Value = (object?)after?.Id ?? DBNull.Value });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = limit + 1L });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var fixes = new List<GateFix>();
        while (await reader.ReadAsync(cancellationToken))
        {
            JsonElement? data = reader.IsDBNull(5) ? null : JsonSerializer.Deserialize<JsonElement>(reader.GetString(5));
            fixes.Add(new GateFix(
                reader.GetFieldValue<DateTimeOffset>(0), reader.GetInt64(1), reader.GetString(2),
                reader.IsDBNull(3) ? null : reader.GetString(3), reader.IsDBNull(4) ? null : reader.GetString(4),
                Links(reader.GetFieldValue<string[]>(6), data, "lint"), Links(reader.GetFieldValue<string[]>(7), data, "coverage"), data));
        }

        if (fixes.Count <= limit)
        {
            return new GateFixPage(fixes, null);
        }

        fixes.RemoveAt(limit);
        return new GateFixPage(fixes, new EventCursor(fixes[^1].At, fixes[^1].EventId).Write(Cursors));
    }

    /// <summary>Those of the trace, and those that the event names itself.</summary>
    private static List<ArtifactLink> Links(string[] ofTrace, JsonElement? data, string name)
    {
        var named = data is { ValueKind: JsonValueKind.Object } document && document.TryGetProperty(name, out var value)
            ? value.ValueKind switch
            {
                JsonValueKind.String => [value.GetString()!],
                JsonValueKind.Array => value.EnumerateArray().Where(one => one.ValueKind == JsonValueKind.String).Select(one => one.GetString()!),
                _ => Enumerable.Empty<string>(),
            }
            : [];
        return [.. ofTrace.Concat(named.Where(Artifacts.ArtifactPath.IsValid)).Distinct(StringComparer.Ordinal).Select(path => new ArtifactLink(path, $"/artifacts/{path}"))];
    }
}
