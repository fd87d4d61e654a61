using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Cogo.Workers.Codegen;

/// <summary>The task of a repair in words: what was asked for, and what of the report is red.</summary>
internal static class RepairTask
{
    private const int MostCases = 20;
    private const int MessageLength = 1_500;

    /// <param name="report">A <c>report.json</c>; what it does not have is left out.</param>
    public static string Of(string? task, JsonElement report)
    {
        var text = new StringBuilder();
        if (!string.IsNullOrWhiteSpace(task))
            text.Append(task.TrimEnd()).Append("\n\n");
        text.Append("The change so far is in the files already. It was built and tested, and it is red. Mend it; keep what is right.\n");
        if (Text(report, "message") is { } message)
            text.Append('\n').Append(Cut(message)).Append('\n');
        foreach (var stage in Items(report, "stages").Where(stage => Text(stage, "exit") is not ("0" or null) || Text(stage, "signal") is not null))
            text.Append(CultureInfo.InvariantCulture, $"\nStage {Text(stage, "name")} ended with {Text(stage, "exit") ?? Text(stage, "signal")}: {Text(stage, "command")}\n");
        if (!report.TryGetProperty("tests", out var tests) || tests.ValueKind != JsonValueKind.Object)
            return text.ToString();

        var failing = Items(tests, "cases").Where(test => Text(test, "outcome") is "failed" or "errored").ToList();
        if (failing.Count > 0)
            text.Append("\nFailing tests:\n");
        foreach (var test in failing.Take(MostCases))
        {
            text.Append("- ").Append(Text(test, "suite") is { } suite ? $"{suite} › {Text(test, "name")}" : Text(test, "name"));
            if (Text(test, "file") is { } file)
                text.Append(CultureInfo.InvariantCulture, $" ({file}{(Text(test, "line") is { } line ? ":" + line : "")})");
            text.Append('\n');
            if (Text(test, "message") is { } why)
                text.Append("  ").Append(Cut(why).ReplaceLineEndings("\n  ")).Append('\n');
        }

        if (failing.Count > MostCases)
            text.Append(CultureInfo.InvariantCulture, $"({failing.Count - MostCases} more)\n");
        return text.ToString();
    }

    private static string Cut(string text) => text.Length <= MessageLength ? text.Trim() : string.Concat(text.AsSpan(0, MessageLength).Trim(), " …");

    private static JsonElement.ArrayEnumerator Items(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array ? items.EnumerateArray() : default;

    private static string? Text(JsonElement parent, string name) => parent.ValueKind != JsonValueKind.Object || !parent.TryGetProperty(name, out var value)
        ? null
        : value.ValueKind switch { JsonValueKind.String => value.GetString(), JsonValueKind.Number => value.GetRawText(), _ => null };
}
