using System.Globalization;
using Cogo.Core.Gates;
using Cogo.Core.Metrics;

namespace Cogo.Core.Notifications;

/// <summary>
/// Draws a week as SVG, 840 by 500: how many tasks a day, pass rate, p90 and gates below each, and the rules of the gate.
/// It follows the reader's light or dark scheme, loads nothing and runs nothing.
/// </summary>
public static class WeekPicture
{
    /// <summary>Of the file.</summary>
    public const string ContentType = "image/svg+xml";

    private const int Width = 840;
    private const int Height = 500;
    private const int Margin = 32;
    private const int MostRules = 5;

    private const string Style = """

        text { font-family: system-ui, -apple-system, "Segoe UI", "Noto Sans", Roboto, "DejaVu Sans", sans-serif; fill: #1f2328; font-size: 13px }
        .page { fill: #ffffff; stroke: #d1d9e0 } .panel { fill: #f6f8fa } .grid { stroke: #d1d9e0 }
        .h1 { font-size: 22px; font-weight: 600 } .h2 { font-size: 14px; font-weight: 600 } .big { font-size: 24px; font-weight: 600 }
        .small { font-size: 12px } .muted { font-size: 12px; fill: #59636e } .on { fill: #ffffff; font-size: 14px; font-weight: 600 }
        .pass { fill: #1a7f37 } .fail { fill: #cf222e } .unknown, .skipped { fill: #59636e } .other { fill: #9ea7b3 }
        .slash { fill: #ffffff; fill-opacity: .35 } .hatched { fill: url(#hatch) }
        .sign { fill: none; stroke: #ffffff; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round }
        @media (prefers-color-scheme: dark) {
        text { fill: #e6edf3 } .page { fill: #0d1117; stroke: #30363d } .panel { fill: #161b22 } .grid { stroke: #30363d } .muted { fill: #9198a1 }
        .pass { fill: #238636 } .fail { fill: #da3633 } .unknown, .skipped { fill: #656c76 } .other { fill: #6e7681 } .on { fill: #ffffff }
        }

        """;

    /// <exception cref="ArgumentException"><see cref="WeekFigures.Problem"/> says why.</exception>
    public static string Svg(WeekFigures week)
    {
        ArgumentNullException.ThrowIfNull(week);
        if (week.Problem() is { } problem)
        {
            throw new ArgumentException($"The week {problem}.", nameof(week));
        }

        using var drawing = new Drawing(Width, Height, week.Title, Description(week), Style);
        drawing.HatchPattern("hatch", "slash");
        drawing.Rectangle("page", 0.5, 0.5, Width - 1, Height - 1, 12);
        Head(drawing, week);
        Tiles(drawing, week);
        DayChart.Draw(drawing, week.Days, left: Margin, top: 212, width: 520);
        Rules(drawing, week.Rules, left: 584, top: 212);
        return drawing.End();
    }

    private static void Head(Drawing drawing, WeekFigures week)
    {
        drawing.Text("h1", Margin, 54, week.Title, 46);
        drawing.Text("muted", Margin, 77, $"{Moment(week.Since)} to {Moment(week.Until)} UTC", 60);
        var word = Word(week.Verdict);
        var width = 52 + (9 * word.Length);
        drawing.Rectangle(Class(week.Verdict), Width - Margin - width, 32, width, 36, 18);
        Sign(drawing, week.Verdict, Width - Margin - width + 22, 50);
        drawing.Text("on", Width - Margin - width + 38, 55, word, 10);
    }

    private static void Tiles(Drawing drawing, WeekFigures week)
    {
        var (passed, failed, other) = (Sum(week, day => day.Passed), Sum(week, day => day.Failed), Sum(week, day => day.Other));
        var (gatesPassed, gatesFailed) = (Sum(week, day => day.GatesPassed), Sum(week, day => day.GatesFailed));
        Tile(0, "Tasks ended", FigureText.Count(passed + failed + other), $"{FigureText.Count(failed)} failed, {FigureText.Count(other)} other");
        Tile(1, "Pass rate", FigureText.Share(passed, passed + failed), $"{FigureText.Count(passed)} of {FigureText.Count(passed + failed)} tasks");
        Tile(2, "p90 end to end", FigureText.Time(week.P90Ms), $"p50 {FigureText.Time(week.P50Ms)}");
        Tile(3, "Gates passed", FigureText.Share(gatesPassed, gatesPassed + gatesFailed), $"{FigureText.Count(gatesPassed)} of {FigureText.Count(gatesPassed + gatesFailed)} traces");

        void Tile(int place, string label, string value, string note)
        {
            const double TileWidth = 182;
            var x = Margin + (place * (TileWidth + 16));
            drawing.Rectangle("panel", x, 98, TileWidth, 84, 8);
            drawing.Text("muted", x + 14, 120, label, 26);
            drawing.Text("big", x + 14, 149, value, 12);
            drawing.Text("muted", x + 14, 170, note, 23);
        }
    }

    private static void Rules(Drawing drawing, IReadOnlyList<WeekRule> rules, double left, double top)
    {
        drawing.Rectangle("panel", left, top, Width - Margin - left, Height - top - 24, 8);
        drawing.Text("h2", left + 14, top + 26, "Gate acceptance", 28);
        var y = top + 54;
        foreach (var rule in rules.Take(MostRules))
        {
            drawing.Circle(Class(rule.Verdict), left + 22, y - 4, 9);
            Sign(drawing, rule.Verdict, left + 22, y - 4);
            drawing.Text("", left + 40, y, $"{Spoken(rule.Name)}: {rule.Actual}", 25);
            drawing.Text("muted", left + 40, y + 17, $"expected {Symbols(rule.Expected)}", 26);
            y += 42;
        }

        if (rules.Count == 0)
        {
            drawing.Text("muted", left + 14, y, "No rule was held.", 30);
        }
    }

    private static void Sign(Drawing drawing, GateVerdict verdict, double x, double y) => drawing.Path("sign", x, y, verdict switch
    {
        GateVerdict.Pass => "M-4 0.5 L-1.2 3.3 L4 -3",
        GateVerdict.Fail => "M-3.2 -3.2 L3.2 3.2 M3.2 -3.2 L-3.2 3.2",
        _ => "M-3.5 0 L3.5 0",
    });

    private static string Description(WeekFigures week) => string.Join(' ', week.Days.Select(day => string.Create(
        CultureInfo.InvariantCulture, $"{FigureText.Day(day)}: {day.Passed} passed, {day.Failed} failed, {day.Other} other.")));

    private static double Sum(WeekFigures week, Func<DayFigures, long> figure) => week.Days.Sum(day => (double)Math.Max(0, figure(day)));

    private static string Word(GateVerdict verdict) => verdict switch
    {
        GateVerdict.Pass => "Pass",
        GateVerdict.Fail => "Fail",
        GateVerdict.Skipped => "Skipped",
        _ => "No data",
    };

    private static string Class(GateVerdict verdict) => verdict switch
    {
        GateVerdict.Pass => "pass",
        GateVerdict.Fail => "fail",
        GateVerdict.Skipped => "skipped",
        _ => "unknown",
    };

    private static string Spoken(string name) => name.Replace('_', ' ');

    private static string Symbols(string expected) =>
        expected.Replace("<=", "≤", StringComparison.Ordinal).Replace(">=", "≥", StringComparison.Ordinal).Replace('_', ' ');

    private static string Moment(DateTimeOffset at) => at.UtcDateTime.ToString("d MMM yyyy HH:mm", CultureInfo.InvariantCulture);
}
