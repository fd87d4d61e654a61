using System.CommandLine;
using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Cli.Jobs;

/// <summary>Options that fall back to an environment variable, and what they read.</summary>
internal static class VerbOptions
{
    private const int MostDays = 36_500;

    public static Option<bool> Json() => new("--json") { Description = "One JSON object a line." };

    public static Option<string?> Text(string name, string variable, string description, string helpName) =>
        new(name) { Description = $"{description} ({variable})", HelpName = helpName };

    public static Option<int?> Number(string name, string variable, string description) =>
        new(name) { Description = $"{description} ({variable})", HelpName = "N" };

    public static Option<bool?> Flag(string name, string variable, string description) =>
        new(name) { Description = $"{description} ({variable})", Arity = ArgumentArity.ZeroOrOne };

    public static string? Read(this ParseResult parsed, Option<string?> option, string variable, Surroundings surroundings) =>
        parsed.GetValue(option) ?? surroundings.Variable(variable);

    /// <summary>A time of so many days; the farthest is a hundred years.</summary>
    /// <exception cref="InputException">The value is no number from 0 to 36500.</exception>
    public static TimeSpan Days(this ParseResult parsed, Option<int?> option, string variable, int otherwise, Surroundings surroundings) =>
        TimeSpan.FromDays(parsed.Read(option, variable, 0, surroundings, MostDays) ?? otherwise);

    /// <exception cref="InputException">The value is no number from <paramref name="least"/> to <paramref name="most"/>.</exception>
    public static int? Read(this ParseResult parsed, Option<int?> option, string variable, int least, Surroundings surroundings, int most = int.MaxValue)
    {
        var (source, value) = parsed.GetValue(option) is { } given
            ? (option.Name, given)
            : surroundings.Variable(variable) is not { } text ? (variable, (int?)null)
            : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? (variable, number)
            : throw new InputException($"{variable} is '{text}': set it to a whole number.");
        return value is null || (value >= least && value <= most)
            ? value
            : throw new InputException($"{source} is {value}: use {(most == int.MaxValue ? $"{least} or more" : $"{least} to {most}")}.");
    }

    /// <exception cref="InputException">The variable is neither true nor false.</exception>
    public static bool Read(this ParseResult parsed, Option<bool?> option, string variable, bool otherwise, Surroundings surroundings)
    {
        if (parsed.GetResult(option) is { Implicit: false } result)
        {
            // The bare option means yes.
            return result.Tokens.Count == 0 || parsed.GetValue(option) == true;
        }

        return surroundings.Variable(variable)?.ToLowerInvariant() switch
        {
            null => otherwise,
            "true" or "1" or "yes" => true,
            "false" or "0" or "no" => false,
            var text => throw new InputException($"{variable} is '{text}': set it to true or false."),
        };
    }

    public static NpgsqlCommand With(this NpgsqlCommand command, string? text)
    {
        command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)text ?? DBNull.Value });
        return command;
    }

    public static NpgsqlCommand With<T>(this NpgsqlCommand command, T value)
        where T : struct
    {
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return command;
    }
}
