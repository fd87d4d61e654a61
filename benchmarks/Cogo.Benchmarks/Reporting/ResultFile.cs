using System.Text.Json;

namespace Cogo.Benchmarks.Reporting;

/// <summary>The results as JSON: the machine, how it was asked, and one object a case. What a case has not is null there, not left out.</summary>
internal static class ResultFile
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
    };

    public static async Task WriteAsync(
        string path, Machine machine, BenchmarkOptions options, IEnumerable<CaseResult> results, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var document = new { machine, command = options.Command, options.Rounds, cases = results.Select(Case).ToList() };
        await File.WriteAllTextAsync(path, JsonSerializer.Serialize(document, Options) + "\n", cancellationToken);
    }

    private static object Case(CaseResult result) => new
    {
        result.Case,
        result.Unit,
        Cogo = Figures(result.Cogo, result.Cogo is null ? null : 1),
        Peers = result.Peers.ToDictionary(peer => peer.Key, peer => Figures(peer.Value, result.RatioTo(peer.Value)), StringComparer.Ordinal),
        Ceiling = Figures(result.Ceiling, result.RatioTo(result.Ceiling)),
        Ratio = Rounded(result.Ratio),
        result.Note,
    };

    private static object? Figures(Series? series, double? ratio) => series is null ? null : new
    {
        Median = Rounded(series.Median),
        Min = Rounded(series.Min),
        Max = Rounded(series.Max),
        Ratio = Rounded(ratio),
    };

    private static double? Rounded(double? value) => value is null ? null : Math.Round(value.Value, value > 1000 ? 0 : 3);
}
