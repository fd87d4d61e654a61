using Cogo.Core.Metrics;

namespace Cogo.Core.Notifications;

/// <summary>Stacked bars of tasks by day; below each its pass rate, p90 and gates.</summary>
internal static class DayChart
{
    private const double PlotHeight = 120;
    private const double LabelWidth = 66;
    private const int Ticks = 4;

    public static void Draw(Drawing drawing, IReadOnlyList<DayFigures> days, double left, double top, double width)
    {
        drawing.Text("h2", left, top + 14, "Tasks a day", 20);
        Legend(drawing, left + width);
        var (plotTop, plotBottom) = (top + 44, top + 44 + PlotHeight);
        var most = days.Max(Total);
        var step = Step(most);
        var top100 = step * Math.Max(1, Math.Ceiling(most / step));
        for (var value = 0.0; value <= top100; value += step)
        {
            var y = plotBottom - (value / top100 * PlotHeight);
            drawing.Line("grid", left + LabelWidth, y, left + width, y);
            drawing.Text("muted", left + LabelWidth - 8, y + 4, FigureText.Count(value), 8, "end");
        }

        var column = (width - LabelWidth) / days.Count;
        for (var i = 0; i < days.Count; i++)
        {
            Bar(drawing, days[i], left + LabelWidth + (column * (i + 0.5)), plotBottom, PlotHeight / top100, Math.Min(38, column * 0.6));
        }

        if (most == 0)
        {
            drawing.Text("muted", left + LabelWidth + ((width - LabelWidth) / 2), plotTop + (PlotHeight / 2) + 4, "No task ended in this time.", 40, "middle");
        }

        Rows(drawing, days, left, plotBottom + 22, column);

        void Legend(Drawing on, double right)
        {
            Entry("pass", "passed", right - 180, hatched: false);
            Entry("fail", "failed", right - 112, hatched: true);
            Entry("other", "other", right - 50, hatched: false);

            void Entry(string style, string word, double x, bool hatched)
            {
                on.Rectangle(style, x, top + 4, 11, 11, 2);
                if (hatched)
                {
                    on.Rectangle("hatched", x, top + 4, 11, 11, 2);
                }

                on.Text("muted", x + 16, top + 14, word, 16);
            }
        }
    }

    private static void Bar(Drawing drawing, DayFigures day, double middle, double bottom, double scale, double width)
    {
        var y = bottom;
        foreach (var (count, style) in new[] { (day.Passed, "pass"), (day.Failed, "fail"), (day.Other, "other") })
        {
            // One among thousands still shows.
            var height = count > 0 ? Math.Max(1.5, count * scale) : 0;
            y -= height;
            drawing.Rectangle(style, middle - (width / 2), y, width, height);
            if (style == "fail")
            {
                drawing.Rectangle("hatched", middle - (width / 2), y, width, height);
            }
        }

        if (Total(day) is > 0 and var total)
        {
            drawing.Text("small", middle, y - 5, FigureText.Count(total), 8, "middle");
        }
    }

    private static void Rows(Drawing drawing, IReadOnlyList<DayFigures> days, double left, double top, double column)
    {
        (string Label, Func<DayFigures, string> Value)[] rows =
        [
            ("", FigureText.Day),
            ("pass rate", day => FigureText.Share(day.Passed, (double)Math.Max(0, day.Passed) + Math.Max(0, day.Failed))),
            ("p90", day => FigureText.Time(day.P90Ms)),
            ("gates", Gates),
        ];
        for (var row = 0; row < rows.Length; row++)
        {
            var y = top + (row * 23);
            drawing.Text("muted", left, y, rows[row].Label, 12);
            if (row > 0)
            {
                drawing.Line("grid", left, y - 16, left + LabelWidth + (column * days.Count), y - 16);
            }

            for (var i = 0; i < days.Count; i++)
            {
                drawing.Text("small", left + LabelWidth + (column * (i + 0.5)), y, rows[row].Value(days[i]), days.Count > 10 ? 5 : 12, "middle");
            }
        }
    }

    /// <summary>Counted as far as there is room, else their share.</summary>
    private static string Gates(DayFigures day)
    {
        var (passed, all) = ((double)Math.Max(0, day.GatesPassed), (double)Math.Max(0, day.GatesPassed) + Math.Max(0, day.GatesFailed));
        return all is > 0 and < 1_000 ? $"{FigureText.Count(passed)}/{FigureText.Count(all)}" : FigureText.Share(passed, all);
    }

    private static double Total(DayFigures day) => (double)Math.Max(0, day.Passed) + Math.Max(0, day.Failed) + Math.Max(0, day.Other);

    /// <summary>1, 2 or 5 times a power of ten, so that few lines reach the highest bar.</summary>
    private static double Step(double most)
    {
        var rough = Math.Max(1, most / Ticks);
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        return (rough / power) switch
        {
            <= 1 => power,
            <= 2 => 2 * power,
            <= 5 => 5 * power,
            _ => 10 * power,
        };
    }
}
