using System.Globalization;
using System.Text.Json;
using Cogo.Core.Audit;

namespace Cogo.Cli.Run;

/// <summary>An event's data in a few words. Events of other versions and other workers are shown as far as they are understood.</summary>
internal static class EventText
{
    private const int MaxLength = 300;
    private static readonly (string Name, string Format)[] WorkflowWords =
        [("template", "{0}"), ("name", "{0}"), ("from", "from {0}"), ("repair", "repair {0}"), ("left", "{0} left"), ("verdict", "{0}"), ("code", "{0}"), ("reason", "{0}")];

    private static readonly string[] Counts = ["passed", "failed", "errored", "skipped"];

    public static string Of(TimelineEntry entry)
    {
        if (entry.Data is not { ValueKind: JsonValueKind.Object } data)
        {
            return "";
        }

        var parts = new List<string>();
        switch (entry.Type)
        {
            case EventTypes.ExecuteDone or EventTypes.ExecuteEnqueued:
                Add("target", "→ {0}");
                break;
            case EventTypes.CodegenDone:
                Add("engine", "{0}");
                Add("model", "{0}");
                AddFiles();
                Add("added", "+{0}");
                Add("removed", "-{0}");
                Add("cost_usd", "{0} USD");
                break;
            case EventTypes.BuildTestDone:
                Add("verdict", "{0}");
                Add("failure_class", "{0}");
                break;
            case var type when type.StartsWith("workflow_", StringComparison.Ordinal) || type.StartsWith("gate_", StringComparison.Ordinal):
                foreach (var (name, format) in WorkflowWords)
                {
                    Add(name, format);
                }

                break;
            default:
                AddWork();
                break;
        }

        if (entry.Type == EventTypes.BuildTestDone && data.TryGetProperty("tests", out var tests) && tests.ValueKind == JsonValueKind.Object)
        {
            parts.AddRange(Counts
                .Where(name => tests.TryGetProperty(name, out var count) && count.ValueKind == JsonValueKind.Number && count.TryGetInt32(out var number) && number > 0)
                .Select(name => $"{tests.GetProperty(name).GetRawText()} {name}"));
        }

        return Terminal.OneLine(string.Join(", ", parts), MaxLength);

        void AddFiles()
        {
            if (data.TryGetProperty("files", out var files) && files.ValueKind == JsonValueKind.Number)
            {
                parts.Add(files.GetRawText() == "1" ? "1 file" : $"{files.GetRawText()} files");
            }
        }

        void AddWork()
        {
            Add("stage", "{0}");
            Add("state", "{0}");
            Add("exit", "exit {0}");
            Add("code", "{0}");
            Add("reason", "{0}");
            Add("text", "{0}");
            if (data.TryGetProperty("delay_ms", out var delay) && delay.TryGetDouble(out var milliseconds))
            {
                parts.Add($"again in {Durations.Show(TimeSpan.FromMilliseconds(milliseconds))}");
            }
        }

        void Add(string name, string format)
        {
            if (data.TryGetProperty(name, out var value))
            {
                var text = value.ValueKind switch
                {
                    JsonValueKind.String => value.GetString()!,
                    JsonValueKind.Number => value.GetRawText(),
                    _ => "",
                };
                if (!string.IsNullOrWhiteSpace(text))
                {
                    parts.Add(string.Format(CultureInfo.InvariantCulture, format, text.Trim()));
                }
            }
        }
    }
}
