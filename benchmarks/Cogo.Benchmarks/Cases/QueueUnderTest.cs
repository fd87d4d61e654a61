using Cogo.Benchmarks.Contestants;

namespace Cogo.Benchmarks.Cases;

/// <summary>Which of Cogo's queues a case measures, and how it is called there.</summary>
/// <param name="Prefix">Of the names of cases that both queues have.</param>
/// <param name="Publishing">The verb for adding to it.</param>
/// <param name="Ceiling">Scripts of the ceiling.</param>
/// <param name="Cogo">Makes Cogo's side on a database with its schema, given by connection string.</param>
internal sealed record QueueUnderTest(string Prefix, string Publishing, string Unit, string Ceiling, Func<string, IContestant> Cogo)
{
    public static QueueUnderTest Bus { get; } = new("", "publish", "msg/s", PgBench.Messages, CogoBus.Create);

    public static QueueUnderTest Jobs { get; } = new("jobs_", "enqueue", "jobs/s", PgBench.Jobs, CogoJobs.Create);
}
