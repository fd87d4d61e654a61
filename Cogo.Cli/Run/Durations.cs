using System.Globalization;
using System.Text.RegularExpressions;

namespace Cogo.Cli.Run;

/// <summary>Durations as people write and read them.</summary>
internal static partial class Durations
{
    /// <summary>Reads <c>90</c>, <c>90s</c>, <c>10m</c>, <c>2h</c> or <c>30d</c>.</summary>
    /// <param name="option">Stands in the complaint.</param>
    /// <exception cref="InputException">It is no such time, or longer than so many days.</exception>
    public static TimeSpan Read(string option, string text, int mostDays)
    {
        var match = Pattern().Match(text);
        var seconds = !match.Success ? 0 : long.Parse(match.Groups["number"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture) * match.Groups["unit"].Value switch
        {
            "d" => 86_400,
            "h" => 3600,
            "m" => 60,
            _ => 1,
        };
        return seconds is > 0 && seconds <= mostDays * 86_400L
            ? TimeSpan.FromSeconds(seconds)
            : throw new InputException($"{option} is '{text}': write 90s, 10m, 2h or 3d, at most {mostDays}d.");
    }

    public static string Show(TimeSpan duration) => duration.TotalSeconds switch
    {
        < 10 => duration.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture) + " s",
        < 60 => duration.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture) + " s",
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{(int)duration.TotalMinutes} min {duration.Seconds:00} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)duration.TotalHours} h {duration.Minutes:00} min"),
    };

    [GeneratedRegex(@"\A(?<number>[0-9]{1,9})(?<unit>[smhd]?)\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Pattern();
}
