using System.Text.Json;
using Cogo.Core.Audit;
using Cogo.Core.Database;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Gates;

/// <summary>What a gate says about a repository, for the audit log.</summary>
public sealed record GateWord
{
    public required GateAnswer Answer { get; init; }

    /// <summary>32 hex digits.</summary>
    public required string TraceId { get; init; }

    /// <summary>Folder of the artifacts.</summary>
    public required string TaskId { get; init; }

    public required string Repo { get; init; }

    /// <summary>HEAD, when there is one.</summary>
    public string? Commit { get; init; }

    /// <summary>Artifacts of the linter.</summary>
    public IReadOnlyList<string> Lint { get; init; } = [];

    /// <summary>Artifacts that hold coverage.</summary>
    public IReadOnlyList<string> Coverage { get; init; } = [];

    /// <summary>Covered lines, 0 to 1.</summary>
    public double? LineRate { get; init; }
}

/// <summary>Appends the words of gates to <c>bus_events</c>.</summary>
public sealed class GateLog(NpgsqlDataSource source, string worker)
{
    private static readonly string Append = SqlQuery.Load("append_gate_event");
    private static readonly string Last = SqlQuery.Load("last_gate_event");

    /// <summary>
    /// Appends <c>gate_passed</c> or <c>gate_failed</c>, and <c>gate_fix</c> when the same gate had failed the
    /// repository before and passes it now. A gate that could not tell has said nothing. Returns the types appended.
    /// </summary>
    public async Task<IReadOnlyList<string>> AppendAsync(GateWord word, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(word);
        if (word.Answer.Verdict is not (GateVerdict.Pass or GateVerdict.Fail))
        {
            return [];
        }

        var passed = word.Answer.Verdict == GateVerdict.Pass;
        var type = passed ? EventTypes.GatePassed : EventTypes.GateFailed;
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var before = passed ? await LastAsync(connection, transaction, word, cancellationToken) : null;
        await AppendAsync(connection, transaction, type, word, Document(word, null), cancellationToken);
        if (before is { Type: EventTypes.GateFailed } failed)
        {
            await AppendAsync(connection, transaction, EventTypes.GateFix, word, Document(word, failed), cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return before is { Type: EventTypes.GateFailed } ? [type, EventTypes.GateFix] : [type];
    }

    private static object Document(GateWord word, LastWord? failed) => new
    {
        gate = word.Answer.Gate,
        task_id = word.TaskId,
        repo = word.Repo,
        commit = word.Commit,
        rules = word.Answer.Rules.Select(rule => new { rule.Name, rule.Expected, rule.Actual, rule.Verdict }),
        lint = word.Lint,
        coverage = word.Coverage,
        line_rate = word.LineRate,
        failed_trace_id = failed?.TraceId,
        fixed_rules = failed?.FailedRules,
    };

    private static async Task<LastWord?> LastAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, GateWord word, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Last, connection, transaction);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = word.Answer.Gate });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = word.Repo });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new LastWord(reader.GetString(0), reader.GetString(1), FailedRules(JsonSerializer.Deserialize<JsonElement>(reader.GetString(2))))
            : null;
    }

    private static List<string> FailedRules(JsonElement data) =>
        data.TryGetProperty("rules", out var rules) && rules.ValueKind == JsonValueKind.Array
            ? [.. rules.EnumerateArray()
                .Where(rule => rule.ValueKind == JsonValueKind.Object && rule.TryGetProperty("verdict", out var verdict) && verdict.ValueEquals("fail"))
                .Select(rule => rule.TryGetProperty("name", out var name) ? name.ToString() : "unnamed")]
            : [];

    private async Task AppendAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, string type, GateWord word, object data, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Append, connection, transaction);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = word.TraceId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = type });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = worker });
        command.Parameters.Add(new NpgsqlParameter
        {
            NpgsqlDbType = NpgsqlDbType.Jsonb,
            Value = JsonSerializer.Serialize(data, CogoJson.Options).Replace("\\u0000", " ", StringComparison.Ordinal),
        });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private sealed record LastWord(string Type, string TraceId, IReadOnlyList<string> FailedRules);
}
