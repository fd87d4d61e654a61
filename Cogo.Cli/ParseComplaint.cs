using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;

namespace Cogo.Cli;

/// <summary>What is wrong with a command line, in the words of its user, and where to look.</summary>
internal static partial class ParseComplaint
{
    public static string Of(ParseResult parsed)
    {
        var command = parsed.CommandResult;
        var path = new List<string>();
        for (SymbolResult? at = command; at is CommandResult { Command: not RootCommand } inner; at = at.Parent)
        {
            path.Insert(0, inner.Command.Name);
        }

        var line = string.Join(' ', path.Prepend("cogo"));
        var sentence = command.Command.Subcommands.Count > 0 && command.Command.Action is null && path.Count > 0
            ? Unfinished(parsed, line)
            : string.Join(' ', parsed.Errors.Select(error => Plain(error.Message)).Distinct(StringComparer.Ordinal));
        return $"{sentence} `{line} --help` shows how.";
    }

    private static string Unfinished(ParseResult parsed, string line)
    {
        var known = string.Join(", ", parsed.CommandResult.Command.Subcommands.Select(command => command.Name));
        return parsed.UnmatchedTokens.Count > 0
            ? $"There is no `{line} {parsed.UnmatchedTokens[0]}`: after `{line}` comes {known}."
            : $"`{line}` is not all: after it comes {known}.";
    }

    /// <summary>The parser names types of .NET, and lists choices over many lines.</summary>
    private static string Plain(string message)
    {
        var conversion = Conversion().Match(message);
        return conversion.Success
            ? $"{conversion.Groups["where"].Value} is '{conversion.Groups["value"].Value}': write {(message.Contains("Boolean", StringComparison.Ordinal) ? "true or false" : "a whole number")}."
            : Choices().Replace(message.Trim(), " ").Replace("Must be one of: ", "Write one of ", StringComparison.Ordinal) is var plain && plain.EndsWith('\'')
                ? plain + "."
                : plain;
    }

    [GeneratedRegex(@"\ACannot parse argument '(?<value>.*?)' for (option|command) '(?<where>.*?)' as expected type", RegexOptions.ExplicitCapture | RegexOptions.Singleline, 1000)]
    private static partial Regex Conversion();

    [GeneratedRegex(@"\s*\n\s*", RegexOptions.None, 1000)]
    private static partial Regex Choices();
}
