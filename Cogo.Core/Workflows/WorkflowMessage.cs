using System.Buffers;
using System.Text.Json;
using Cogo.Core.Pipeline;

namespace Cogo.Core.Workflows;

/// <summary>
/// A message of <c>workflow/run/0</c>: how a step ended, or a reminder to see whether it has. Replies of failed messages
/// are written by the database itself (<c>cogo_reply_failed</c>) with these names.
/// </summary>
public sealed record WorkflowMessage
{
    /// <summary>Outcome of a message that was finished.</summary>
    public const string Done = "done";

    /// <summary>Outcome of a message that was given up.</summary>
    public const string Failed = "failed";

    /// <summary>Names the step, see <see cref="StepToken"/>.</summary>
    public string? Token { get; init; }

    /// <summary><see cref="Done"/> or <see cref="Failed"/>; absent: a reminder.</summary>
    public string? Outcome { get; init; }

    /// <summary>The message that ended, and whose it was.</summary>
    public long? MessageId { get; init; }

    public string? Route { get; init; }

    /// <summary>Type and data of the last event that the end was audited with.</summary>
    public string? Event { get; init; }

    public JsonElement? Data { get; init; }

    public string? Code { get; init; }

    public string? Reason { get; init; }

    public Verdict? Verdict { get; init; }

    /// <summary>Reads it; <paramref name="problem"/> says why it cannot be read.</summary>
    public static WorkflowMessage? TryRead(string payload, out string? problem)
    {
        try
        {
            var message = JsonSerializer.Deserialize<WorkflowMessage>(payload, CogoJson.Options);
            problem = message is null ? "The payload is null: send a JSON object."
                : message.Outcome is null or Done or Failed ? null
                : $"outcome '{(message.Outcome.Length <= 50 ? message.Outcome : message.Outcome[..50])}' is not known: write {Done} or {Failed}, or leave it out.";
            return problem is null ? message : null;
        }
        catch (JsonException e)
        {
            problem = $"The payload does not read as a message about a workflow at {e.Path ?? "$"}: {e.Message}";
            return null;
        }
    }
}

/// <summary>A step of a run in one word, as it travels with the step's message: <c>&lt;run&gt;/&lt;step&gt;</c>.</summary>
public readonly record struct StepToken(string RunId, int Step)
{
    public static bool TryParse(string? text, out StepToken token)
    {
        token = default;
        if (text?.Split('/') is not [var run, var number] || !WorkflowIds.IsRunId(run)
            || !int.TryParse(number, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var step))
        {
            return false;
        }

        token = new StepToken(run, step);
        return true;
    }

    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{RunId}/{Step}");
}

/// <summary>Ids of runs.</summary>
public static class WorkflowIds
{
    private const string Prefix = "run-";
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    /// <summary>A new one: it sorts after those before it, to the millisecond.</summary>
    public static string New(DateTimeOffset now) => $"{Prefix}{Guid.CreateVersion7(now):N}";

    /// <summary>The lowest id that a run of that moment can have.</summary>
    public static string From(DateTimeOffset moment) => string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"{Prefix}{Math.Max(0, moment.ToUnixTimeMilliseconds()):x12}{new string('0', 20)}");

    public static bool IsRunId(string? text) =>
        text is { Length: 36 } && text.StartsWith(Prefix, StringComparison.Ordinal) && text.AsSpan(Prefix.Length).IndexOfAnyExcept(HexDigits) < 0;
}
