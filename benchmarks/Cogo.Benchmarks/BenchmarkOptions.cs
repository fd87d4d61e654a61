using System.Globalization;

namespace Cogo.Benchmarks;

/// <summary>What to run and how long.</summary>
internal sealed record BenchmarkOptions
{
    public const string Usage =
        """
        Usage: dotnet run -c Release --project benchmarks/Cogo.Benchmarks -- CASE [options]

          all         every case below
          bus         publish, and publish -> handle -> acknowledge: 100 B and 10 KB, 1, 2 and 4 worker processes
          jobs        the same for the job queue
          latency     publish -> handler at idle, 1, 100 and 1000 messages or jobs a second, and what 'idle' measures
          idle        what a worker process of the bus, and one of the job queue, costs that has nothing to do
          steady      minutes of constant load, also with a transaction held open elsewhere; of jobs without --quick only
          backlog     draining the front of a backlog of 10 thousand and of a million (quick 200 thousand) messages or jobs
          partitions  what a claim costs with 8, 90 and 365 days of finished messages kept
          trace       reading one trace out of 10 million events, and the figures of a day
          index       the code index: 100,000 lines of C#, unchanged, one file changed, searches

          --quick          shorter and fewer rounds: under a minute a case
          --json FILE      also write the results there
          --rounds N       rounds a case (default 5, quick 2)
          --minutes N      length of a steady run (default 10, quick 0.4)
          --events N       events of the trace case (default 10000000, quick 1000000)
          --case TEXT      only cases with this in their name, such as jobs_end_to_end or 10kb
          --only NAMES     only these contestants: cogo, graphile-worker, pg-boss, ceiling

        COGO_POSTGRES chooses the server: 18 (default), 15, or a folder of binaries.
        """;

    private static readonly string[] Cases = ["all", "bus", "jobs", "latency", "idle", "steady", "backlog", "partitions", "trace", "index"];

    public required string Case { get; init; }

    /// <summary>What makes the same run again: the arguments without the output file's.</summary>
    public string Command => string.Join(' ', ((string?[])
    [
        Case, Quick ? "--quick" : null, RoundsOverride is { } rounds ? Argument("--rounds", rounds) : null,
        MinutesOverride is { } minutes ? Argument("--minutes", minutes) : null, EventsOverride is { } events ? Argument("--events", events) : null,
        CasePart is null ? null : $"--case {CasePart}", Only.Count == 0 ? null : $"--only {string.Join(',', Only)}",
    ]).Where(part => part is not null));

    public bool Quick { get; init; }

    public string? JsonPath { get; init; }

    public int? RoundsOverride { get; init; }

    public double? MinutesOverride { get; init; }

    public long? EventsOverride { get; init; }

    /// <summary>Part of the names of the cases that are to run; null: all of them.</summary>
    public string? CasePart { get; init; }

    public IReadOnlyList<string> Only { get; init; } = [];

    public int Rounds => RoundsOverride ?? (Quick ? 2 : 5);

    public long Events => EventsOverride ?? (Quick ? 1_000_000 : 10_000_000);

    public TimeSpan SteadyTime => TimeSpan.FromMinutes(MinutesOverride ?? (Quick ? 0.4 : 10));

    /// <summary>Whether the part of the suite with this name runs: <c>latency</c> takes <c>idle</c> with it.</summary>
    public bool Wants(string name) => Case == "all" || Case == name || (Case == "latency" && name == "idle");

    /// <summary>Whether one of these results is asked for.</summary>
    public bool WantsCase(params IReadOnlyList<string> results) =>
        CasePart is null || results.Any(result => result.Contains(CasePart, StringComparison.OrdinalIgnoreCase));

    /// <exception cref="FormatException">An argument is not known; the message says which.</exception>
    public static BenchmarkOptions Parse(IReadOnlyList<string> arguments)
    {
        if (arguments.Count == 0 || !Cases.Contains(arguments[0], StringComparer.Ordinal))
        {
            throw new FormatException($"{(arguments.Count == 0 ? "No case is given" : $"'{arguments[0]}' is no case")}: choose one of {string.Join(", ", Cases)}.");
        }

        var options = new BenchmarkOptions { Case = arguments[0] };
        for (var i = 1; i < arguments.Count; i++)
        {
            options = arguments[i] switch
            {
                "--quick" => options with { Quick = true },
                "--json" => options with { JsonPath = Path.GetFullPath(Value(arguments, ref i)) },
                "--rounds" => options with { RoundsOverride = (int)Number(arguments, ref i) },
                "--minutes" => options with { MinutesOverride = Number(arguments, ref i) },
                "--events" => options with { EventsOverride = Math.Max(1_000, (long)Number(arguments, ref i)) },
                "--case" => options with { CasePart = Value(arguments, ref i) },
                "--only" => options with { Only = Value(arguments, ref i).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) },
                var other => throw new FormatException($"'{other}' is not an option."),
            };
        }

        return options;
    }

    private static string Argument(string name, double value) => string.Create(CultureInfo.InvariantCulture, $"{name} {value}");

    private static string Value(IReadOnlyList<string> arguments, ref int at) =>
        at + 1 < arguments.Count ? arguments[++at] : throw new FormatException($"{arguments[at]} wants a value.");

    private static double Number(IReadOnlyList<string> arguments, ref int at)
    {
        var name = arguments[at];
        return double.TryParse(Value(arguments, ref at), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new FormatException($"{name} wants a positive number.");
    }
}
