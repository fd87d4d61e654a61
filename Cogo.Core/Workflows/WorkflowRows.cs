using System.Text.Json;
using Cogo.Core.Gates;
using Cogo.Core.Pipeline;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Workflows;

/// <summary>Rows of runs and steps, as the queries give them.</summary>
internal static class WorkflowRows
{
    public static WorkflowRun Run(NpgsqlDataReader reader) => new()
    {
        RunId = reader.GetString(0),
        Template = reader.GetString(1),
        Tenant = Text(reader, 2),
        TraceId = reader.GetString(3),
        TaskId = reader.GetString(4),
        Request = JsonSerializer.Deserialize<PipelineRequest>(reader.GetString(5), CogoJson.Options)!,
        Status = Word<RunStatus>(reader.GetString(6)),
        Code = Text(reader, 7),
        Reason = Text(reader, 8),
        Attempt = reader.GetInt32(9),
        MaxRepairs = reader.GetInt32(10),
        RepairsLeft = reader.GetInt32(11),
        Gate = Text(reader, 12) is { } gate ? JsonSerializer.Deserialize<GateAnswer>(gate, CogoJson.Options) : null,
        LastEvent = reader.GetInt32(13),
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(14),
        EndedAt = reader.IsDBNull(15) ? null : reader.GetFieldValue<DateTimeOffset>(15),
    };

    public static WorkflowStep Step(NpgsqlDataReader reader) => new()
    {
        Step = reader.GetInt32(0),
        Name = reader.GetString(1),
        Attempt = reader.GetInt32(2),
        Repair = reader.IsDBNull(3) ? null : reader.GetInt32(3),
        Route = reader.GetString(4),
        TaskId = reader.GetString(5),
        Status = Word<StepStatus>(reader.GetString(6)),
        MessageId = reader.IsDBNull(7) ? null : reader.GetInt64(7),
        Verdict = Text(reader, 8) is { } verdict && Enum.TryParse<Verdict>(verdict, ignoreCase: true, out var word) ? word : null,
        Code = Text(reader, 9),
        Reason = Text(reader, 10),
        Result = Text(reader, 11) is { } json ? JsonSerializer.Deserialize<JsonElement>(json) : null,
        StartedAt = reader.GetFieldValue<DateTimeOffset>(12),
        EndedAt = reader.IsDBNull(13) ? null : reader.GetFieldValue<DateTimeOffset>(13),
    };

    /// <summary>A status as it stands in the database.</summary>
    public static string Word<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    public static NpgsqlCommand With(this NpgsqlCommand command, string? text)
    {
        command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)text ?? DBNull.Value });
        return command;
    }

    public static NpgsqlCommand With(this NpgsqlCommand command, int? number)
    {
        command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Integer, Value = (object?)number ?? DBNull.Value });
        return command;
    }

    public static NpgsqlCommand With(this NpgsqlCommand command, long? number)
    {
        command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Bigint, Value = (object?)number ?? DBNull.Value });
        return command;
    }

    public static string? Text(NpgsqlDataReader reader, int ordinal) => reader.IsDBNull(ordinal) ? null : reader.GetString(ordinal);

    private static T Word<T>(string text)
        where T : struct, Enum => Enum.Parse<T>(text, ignoreCase: true);
}
