using System.Globalization;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;

namespace Cogo.Benchmarks;

/// <summary>Runs the contestants of a case in turns (ABAB), so that a machine that slows down slows all of them.</summary>
internal static class Rounds
{
    /// <summary>The figures by contestant and name.</summary>
    public static async Task<IReadOnlyDictionary<string, IReadOnlyDictionary<string, Series>>> RunAsync(
        string name, BenchmarkServer server, IReadOnlyList<IContestant> contestants, Workload workload, int rounds, CancellationToken cancellationToken)
    {
        var figures = contestants.ToDictionary(one => one.Name, _ => new List<IReadOnlyDictionary<string, double>>(), StringComparer.Ordinal);
        for (var round = 1; round <= rounds; round++)
        {
            foreach (var contestant in contestants)
            {
                await server.SettleAsync(cancellationToken);
                var measured = await contestant.RunAsync(workload, cancellationToken);
                figures[contestant.Name].Add(measured);
                await Console.Error.WriteLineAsync(
                    $"  {name} {round}/{rounds} {contestant.Name}: {string.Join(", ", measured.Select(figure => string.Create(CultureInfo.InvariantCulture, $"{figure.Key} {figure.Value:0.##}")))}");
            }
        }

        return figures.ToDictionary(
            one => one.Key,
            one => (IReadOnlyDictionary<string, Series>)one.Value[0].Keys.ToDictionary(
                key => key, key => new Series(one.Value.Select(round => round[key])), StringComparer.Ordinal),
            StringComparer.Ordinal);
    }

    /// <summary>One figure of a case as its result.</summary>
    public static CaseResult Result(
        string name, string unit, string figure, IReadOnlyDictionary<string, IReadOnlyDictionary<string, Series>> figures) => new(
            name, unit,
            figures.TryGetValue(CogoBus.ContestantName, out var cogo) ? cogo[figure] : null,
            figures.Where(one => one.Key is not (CogoBus.ContestantName or PgBench.ContestantName))
                .ToDictionary(one => one.Key, one => one.Value[figure], StringComparer.Ordinal),
            figures.TryGetValue(PgBench.ContestantName, out var ceiling) ? ceiling[figure] : null);
}
