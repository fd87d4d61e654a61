using System.Globalization;
using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;

namespace Cogo.Benchmarks.Cases;

/// <summary>What the days of finished messages that are kept cost each claim.</summary>
internal sealed class PartitionCases(BenchmarkServer server, ContestantSet contestants, BenchmarkOptions options)
{
    private static readonly int[] Days = [8, 90, 365];
    private static readonly string[] Figures = ["claim", "poll", "first_claim"];

    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!contestants.Wanted(CogoBus.ContestantName) || !options.WantsCase([.. Days.SelectMany(days => Figures.Select(figure => Name(days, figure)))]))
        {
            yield break;
        }

        var histories = new List<KeptDays>();
        try
        {
            foreach (var days in Days)
            {
                var kept = await KeptDays.CreateAsync(server, Database(days), days, options.Quick ? 200 : 1_000, cancellationToken);
                histories.Add(kept);
                await Console.Error.WriteLineAsync($"  partitions: {days} days are laid out{(kept.SetAside is { } aside ? $", {aside} were set aside" : "")}");
            }

            var (claims, polls, firsts) = (NoFigures(), NoFigures(), NoFigures());
            // Round 0 does not count: plans are made by its end. In turns, so that a machine that slows down slows all.
            for (var round = 0; round <= options.Rounds; round++)
            {
                foreach (var kept in histories)
                {
                    var (claim, poll, first) = await kept.MeasureAsync(options.Quick ? 100 : 400, cancellationToken);
                    if (round > 0)
                    {
                        claims[kept.Days].Add(claim);
                        polls[kept.Days].Add(poll);
                        firsts[kept.Days].Add(first);
                        await Console.Error.WriteLineAsync(string.Create(
                            CultureInfo.InvariantCulture, $"  partitions {round}/{options.Rounds} {kept.Days} days: claim {claim:0.00} ms, poll {poll:0.00} ms, first claim of a connection {first:0.0} ms"));
                    }
                }
            }

            foreach (var (what, figures, note) in new[]
            {
                (Figures[0], claims, $"A claim of {KeptDays.Batch} messages, on a connection that has claimed before."),
                (Figures[1], polls, "What an idle worker asks for one route."),
                (Figures[2], firsts, "The first claim of a new connection: its plans are made."),
            })
            {
                foreach (var kept in histories)
                {
                    var result = new CaseResult(
                        Name(kept.Days, what), "ms", new Series(figures[kept.Days]), new Dictionary<string, Series>(StringComparer.Ordinal), null)
                    {
                        Note = $"{note} The ratio is to {Days[0]} days. {(kept.SetAside is { } aside ? $"{aside} days were set aside." : "No day was set aside.")}",
                    };
                    yield return result with { OwnRatio = result.RatioTo(new Series(figures[Days[0]])) };
                }
            }
        }
        finally
        {
            foreach (var kept in histories)
            {
                await kept.DisposeAsync();
            }
        }

        foreach (var days in Days)
        {
            await server.DropDatabaseAsync(Database(days), cancellationToken);
        }
    }

    private static string Name(int days, string figure) => string.Create(CultureInfo.InvariantCulture, $"partitions_{days}_days_{figure}");

    private static string Database(int days) => string.Create(CultureInfo.InvariantCulture, $"cogo_{days}_days");

    private static Dictionary<int, List<double>> NoFigures() => Days.ToDictionary(days => days, _ => new List<double>());
}
