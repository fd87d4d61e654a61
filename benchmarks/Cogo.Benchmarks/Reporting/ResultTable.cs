using System.Globalization;

namespace Cogo.Benchmarks.Reporting;

/// <summary>The results as a table that a person reads.</summary>
internal static class ResultTable
{
    public static void Heading() =>
        Console.WriteLine($"{"case",-36} {"contestant",-16} {"median",10} {"min",10} {"max",10} {"unit",-10} {"Cogo is",8}");

    public static void Write(CaseResult result)
    {
        var first = true;
        Line("Cogo", result.Cogo, null);
        foreach (var (name, series) in result.Peers)
        {
            Line(name, series, result.RatioTo(series));
        }

        Line("ceiling", result.Ceiling, result.RatioTo(result.Ceiling));
        if (result.OwnRatio is { } own)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"",-36} ratio {own:0.00}"));
        }

        if (result.Note is not null)
        {
            Console.WriteLine($"{(first ? result.Case : ""),-36} {result.Note}");
        }

        void Line(string contestant, Series? series, double? ratio)
        {
            if (series is not null)
            {
                Console.WriteLine(
                    $"{(first ? result.Case : ""),-36} {contestant,-16} {Number(series.Median),10} {Number(series.Min),10} {Number(series.Max),10} {result.Unit,-10} {(ratio is null ? "" : Number(ratio.Value) + " x"),8}");
                first = false;
            }
        }
    }

    private static string Number(double value) => value switch
    {
        >= 1000 => value.ToString("#,0", CultureInfo.InvariantCulture),
        >= 100 => value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.ToString("0.00", CultureInfo.InvariantCulture),
    };
}
