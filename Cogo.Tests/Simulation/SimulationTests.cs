using System.Globalization;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Simulation;

/// <summary>
/// Thousands of runs of the bus's own code under seeded faults. A seed that fails is named; <c>COGO_SEED=n</c> runs it
/// alone, <c>COGO_SEEDS=n</c> sets how many are tried.
/// </summary>
[Collection(Alone.Name)]
public class SimulationTests
{
    private const int Seeds = 2000;

    [Fact]
    public void Whatever_goes_wrong_every_message_ends_once_and_under_its_fence()
    {
        if (Number("COGO_SEED") is { } one)
        {
            var outcome = SimulatedRun.Run(one).Broken;
            Assert.True(outcome is null, outcome);
            return;
        }

        var failures = new System.Collections.Concurrent.ConcurrentBag<string>();
        Parallel.For(0, Number("COGO_SEEDS") ?? Seeds, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, seed =>
        {
            if (SimulatedRun.Run(seed).Broken is { } broken)
            {
                failures.Add($"Seed {seed} (COGO_SEED={seed} runs it alone): {broken}");
            }
        });
        Assert.True(failures.IsEmpty, string.Join(Environment.NewLine, failures.Take(5)));
    }

    [Fact]
    public void The_same_seed_is_the_same_run()
    {
        var first = Enumerable.Range(0, 40).Select(seed => SimulatedRun.Run(seed).Trace).ToList();

        Assert.Equal(first, Enumerable.Range(0, 40).Select(seed => SimulatedRun.Run(seed).Trace));
        Assert.True(first.Distinct().Count() > 35);
    }

    [Theory]
    [InlineData(PlantedBug.NoFence)]
    [InlineData(PlantedBug.NoSecondLook)]
    [InlineData(PlantedBug.LostClaimsStayLost)]
    [InlineData(PlantedBug.CrashesDoNotCount)]
    [InlineData(PlantedBug.KeysAreNotChecked)]
    [InlineData(PlantedBug.KeysAreOfAllRoutes)]
    [InlineData(PlantedBug.LateCommitsAreSkipped)]
    [InlineData(PlantedBug.FloorIsTooHigh)]
    [InlineData(PlantedBug.EndedSessionsAreRenewed)]
    [InlineData(PlantedBug.PausedQueuesAreRead)]
    [InlineData(PlantedBug.PrioritiesAreIgnored)]
    public void A_bug_in_the_store_is_found(PlantedBug bug)
    {
        var found = Enumerable.Range(0, 500).FirstOrDefault(seed => SimulatedRun.Run(seed, bug).Broken is not null, -1);

        Assert.True(found >= 0, $"500 seeds did not find {bug}.");
    }

    private static int? Number(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
