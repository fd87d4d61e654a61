using System.CommandLine;
using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Gates;
using Spectre.Console;

namespace Cogo.Cli.Gates;

/// <summary>Shows a gate's answer to a person, as JSON or as JUnit XML, and tells the exit code.</summary>
internal sealed class GateView(Terminal terminal, Surroundings surroundings)
{
    private readonly Option<bool> _json = new("--json") { Description = "One JSON object: gate, verdict, rules." };
    private readonly Option<string?> _junit = new("--junit") { Description = "Also write the rules as JUnit XML, a test each, for a CI to show.", HelpName = "FILE" };

    public void AddTo(Command verb)
    {
        verb.Options.Add(_json);
        verb.Options.Add(_junit);
    }

    public bool IsJson(ParseResult parsed) => parsed.GetValue(_json);

    /// <summary>0 pass, 1 fail, 2 could not tell.</summary>
    public static int ExitCode(GateVerdict verdict) => verdict switch
    {
        GateVerdict.Pass => ExitCodes.Passed,
        GateVerdict.Fail => ExitCodes.Failed,
        _ => ExitCodes.Infrastructure,
    };

    /// <param name="more">Fields beside the answer's own, for the JSON.</param>
    /// <param name="places">Label and value of lines below the rules, for a person.</param>
    /// <exception cref="InputException">The JUnit file cannot be written.</exception>
    public async Task<int> ShowAsync(
        ParseResult parsed, GateAnswer answer, IReadOnlyDictionary<string, object?> more, IReadOnlyList<(string Label, string Value)> places)
    {
        if (parsed.GetValue(_junit) is { } file)
        {
            await WriteJUnitAsync(surroundings.FullPath(file), answer);
        }

        if (IsJson(parsed))
        {
            var document = new Dictionary<string, object?>(StringComparer.Ordinal) { ["gate"] = answer.Gate, ["verdict"] = answer.Verdict, ["window"] = answer.Window, ["rules"] = answer.Rules };
            foreach (var (name, value) in more)
            {
                document[name] = value;
            }

            await terminal.Out.WriteLineAsync(JsonSerializer.Serialize(document, CogoJson.Options));
        }
        else
        {
            Write(answer, places);
        }

        return ExitCode(answer.Verdict);
    }

    private static async Task WriteJUnitAsync(string path, GateAnswer answer)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllTextAsync(path, JUnitText.Of(answer));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"--junit {path} cannot be written: {e.Message}", e);
        }
    }

    private void Write(GateAnswer answer, IReadOnlyList<(string Label, string Value)> places)
    {
        var console = terminal.Rich;
        console.WriteLine();
        var (names, actuals) = (answer.Rules.Max(rule => (int?)rule.Name.Length) ?? 0, answer.Rules.Max(rule => (int?)Shown(rule).Length) ?? 0);
        // One fault may break several rules: its reason is read once.
        var told = new HashSet<string>(StringComparer.Ordinal);
        foreach (var rule in answer.Rules)
        {
            var (mark, _, color) = Look(rule.Verdict);
            console.Write(new Text($"  {mark} ", color));
            console.Write(new Text($"{rule.Name.PadRight(names)}  {Shown(rule).PadRight(actuals)}  "));
            console.Write(new Text($"{(rule.Verdict == GateVerdict.Skipped ? "" : $"expected {rule.Expected}")}", new Style(decoration: Decoration.Dim)));
            console.WriteLine();
            if (rule.Verdict != GateVerdict.Pass && told.Add(rule.Reason))
            {
                foreach (var line in Terminal.Clean(rule.Reason).Split('\n', StringSplitOptions.RemoveEmptyEntries).Take(12))
                {
                    console.WriteLine($"      {line.TrimEnd()}");
                }
            }
        }

        var (sign, word, shade) = Look(answer.Verdict);
        console.WriteLine();
        console.Write(new Text($"{sign} {word}", new Style(shade, decoration: Decoration.Bold)));
        console.WriteLine($"  gate {answer.Gate}{(answer.Window is null ? "" : $", last {answer.Window}")}");
        if (places.Count > 0)
        {
            console.WriteLine();
        }

        foreach (var (label, value) in places)
        {
            console.Write(new Text($"  {label,-11}", new Style(decoration: Decoration.Dim)));
            console.WriteLine(value);
        }
    }

    private static string Shown(GateRule rule) => Terminal.OneLine(rule.Actual, 40);

    private static (string Mark, string Word, Color Color) Look(GateVerdict verdict) => verdict switch
    {
        GateVerdict.Pass => ("✓", "PASSED", Color.Green),
        GateVerdict.Fail => ("✗", "FAILED", Color.Red),
        GateVerdict.Skipped => ("–", "SKIPPED", Color.Grey),
        _ => ("?", "COULD NOT TELL", Color.Yellow),
    };
}
