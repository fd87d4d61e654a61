using System.Globalization;
using System.Text.RegularExpressions;

namespace Cogo.Cli.Run;

/// <summary>Durations as people write and read them.</summary>
internal static partial class Durations
{
    /// <summary>Reads <c>90</c>, <c>90s</c>, <c>10m</c> or <c>2h</c>.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        var match = Pattern().Match(text);
        if (!match.Success || !int.TryParse(match.Groups["number"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is 0 or > 1_000_000)
        {
            return false;
        }

        duration = match.Groups["unit"].Value switch
        {
            "h" => TimeSpan.FromHours(number),
            "m" => TimeSpan.FromMinutes(number),
            _ => TimeSpan.FromSeconds(number),
        };
        return duration <= TimeSpan.FromDays(20);
    }

    public static string Show(TimeSpan duration) => duration.TotalSeconds switch
    {
        < 10 => duration.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture) + " s",
        < 60 => duration.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture) + " s",
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{(int)duration.TotalMinutes} min {duration.Seconds:00} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)duration.TotalHours} h {duration.Minutes:00} min"),
    };

    [GeneratedRegex(@"\A(?<number>[0-9]{1,7})(?<unit>[smh]?)\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Pattern();
}
