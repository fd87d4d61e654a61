using System.Globalization;
using Spectre.Console;

namespace Cogo.Cli;

/// <summary>Where a verb writes: results to <see cref="Out"/>, complaints to <see cref="Error"/>.</summary>
public sealed class Terminal
{
    // Lines of a pipe or a file are for programs: they are not to be wrapped.
    private const int UnwrappedColumns = 100_000;

    /// <param name="interactive">A person looks at it and it can move the cursor.</param>
    public Terminal(TextWriter output, TextWriter error, bool interactive)
    {
        Out = output;
        Error = error;
        Interactive = interactive;
        Rich = Create(output, interactive);
        RichError = Create(error, interactive);
    }

    public TextWriter Out { get; }

    public TextWriter Error { get; }

    public bool Interactive { get; }

    /// <summary><see cref="Out"/> with colours where it can show them.</summary>
    public IAnsiConsole Rich { get; }

    public IAnsiConsole RichError { get; }

    public static Terminal OfProcess() => new(
        Console.Out,
        Console.Error,
        !Console.IsOutputRedirected && !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb"
            && Environment.GetEnvironmentVariable("CI") is null or "");

    /// <summary>Text from a build or a server, without the control characters that could rewrite the screen.</summary>
    public static string Clean(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return string.Create(text.Length, text, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = source[i] is '\n' or '\t' ? source[i]
                    : char.IsControl(source[i]) || char.GetUnicodeCategory(source[i]) == UnicodeCategory.Format ? ' '
                    : source[i];
            }
        });
    }

    /// <summary>One line: the first that is not empty, cut at <paramref name="length"/> characters.</summary>
    public static string OneLine(string text, int length)
    {
        var line = Clean(text).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault() ?? "";
        return line.Length <= length ? line : string.Concat(line.AsSpan(0, length - 1), "…");
    }

    private static IAnsiConsole Create(TextWriter writer, bool interactive)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = interactive ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = interactive ? InteractionSupport.Detect : InteractionSupport.No,
            ColorSystem = interactive ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
        if (!interactive)
        {
            console.Profile.Width = UnwrappedColumns;
        }

        return console;
    }
}
