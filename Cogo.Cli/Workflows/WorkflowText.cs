using System.Text.Json;
using Spectre.Console;

namespace Cogo.Cli.Workflows;

/// <summary>Runs as the API tells them: for a person, or one JSON object a line.</summary>
internal sealed class WorkflowText(Terminal terminal, bool json)
{
    private const int CellLength = 60;

    public async Task ListAsync(JsonElement runs)
    {
        if (json)
        {
            foreach (var run in runs.EnumerateArray())
            {
                await terminal.Out.WriteLineAsync(run.GetRawText());
            }

            return;
        }

        if (runs.GetArrayLength() == 0)
        {
            await terminal.Out.WriteLineAsync("There are no such runs. Start one: cogo workflow run.");
            return;
        }

        Write(["run_id", "template", "status", "attempt", "engine", "repo", "created_at"], runs);
    }

    public async Task ShowAsync(JsonElement run)
    {
        if (json)
        {
            await terminal.Out.WriteLineAsync(run.GetRawText());
            return;
        }

        foreach (var name in new[] { "run_id", "template", "status", "code", "reason", "repo", "engine", "task", "attempt", "repairs_left", "trace_id", "created_at", "ended_at" })
        {
            if (Text(run, name) is { Length: > 0 } text)
            {
                terminal.Rich.WriteLine($"{name.Replace('_', ' '),-14} {Terminal.OneLine(text, 300)}");
            }
        }

        terminal.Rich.WriteLine();
        Write(["step", "name", "attempt", "repair", "status", "verdict", "code", "task_id"], run.GetProperty("steps"));
    }

    private void Write(string[] names, JsonElement rows)
    {
        var table = new Table { Border = terminal.Interactive ? TableBorder.Rounded : TableBorder.None };
        foreach (var name in names)
        {
            table.AddColumn(new TableColumn(new Text(name.Replace('_', ' '), new Style(decoration: Decoration.Bold))) { NoWrap = true });
        }

        foreach (var row in rows.EnumerateArray())
        {
            table.AddRow(names.Select(name => new Text(Terminal.OneLine(Text(row, name) ?? "–", CellLength), name is "status" or "verdict" ? Colour(Text(row, name)) : Style.Plain)));
        }

        terminal.Rich.Write(table);
    }

    private static Style Colour(string? word) => new(word switch
    {
        "passed" or "done" => Color.Green,
        "failed" => Color.Red,
        "running" => Color.Blue,
        "infrastructure" or "invalid" or "cancelled" => Color.Yellow,
        _ => Color.Default,
    });

    private static string? Text(JsonElement row, string name) =>
        !row.TryGetProperty(name, out var value) ? null : value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText();
}
