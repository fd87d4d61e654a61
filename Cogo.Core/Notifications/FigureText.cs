using System.Globalization;
using Cogo.Core.Metrics;

namespace Cogo.Core.Notifications;

/// <summary>Figures in few characters.</summary>
internal static class FigureText
{
    private const string Nothing = "–";

    private static readonly string[] Thousands = ["", "k", "M", "G", "T", "P", "E"];

    /// <summary>Whole up to 9,999, then with three digits and a unit: 12.3k.</summary>
    public static string Count(double count)
    {
        if (Math.Abs(count) < 10_000)
        {
            return count.ToString("#,0", CultureInfo.InvariantCulture);
        }

        var unit = 0;
        // What would be shown as 1000k is 1M.
        while (Math.Abs(count) >= 999.5 && unit < Thousands.Length - 1)
        {
            count /= 1000;
            unit++;
        }

        return count.ToString(Math.Abs(count) < 99.95 ? "0.#" : "0", CultureInfo.InvariantCulture) + Thousands[unit];
    }

    public static string Share(double part, double whole) =>
        whole <= 0 ? Nothing : Rounded(Math.Clamp(part / whole, 0, 1)) + " %";

    /// <param name="milliseconds">Null: not measured.</param>
    public static string Time(double? milliseconds) => milliseconds switch
    {
        null => Nothing,
        < 999.5 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0} ms"),
        < 9_950 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000:0.#} s"),
        < 99_500 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000:0} s"),
        < 99.5 * 60_000 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 60_000:0.#} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 3_600_000:0.#} h"),
    };

    /// <summary>The day that most of it lies in, such as <c>Mon 5</c>.</summary>
    public static string Day(DayFigures day) => Middle(day.Since).ToString("ddd d", CultureInfo.InvariantCulture);

    /// <summary>100 % is said only of all, and 0 % only of none.</summary>
    private static string Rounded(double share) => (share switch
    {
        > 0.999 and < 1 => 99.9,
        > 0 and < 0.001 => 0.1,
        _ => share * 100,
    }).ToString("0.#", CultureInfo.InvariantCulture);

    private static DateTime Middle(DateTimeOffset since) =>
        since < DateTimeOffset.MaxValue.AddDays(-1) ? since.UtcDateTime.AddHours(12) : since.UtcDateTime;
}
