using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Chaos;

/// <summary>
/// Real processes, a real server, real faults; docs/reliability.md lists them. Every fault once by default;
/// <c>COGO_CHAOS_MINUTES=30 COGO_SEED=7</c> goes on drawing faults for so long. The bus and the job queue are at work
/// at once, on the same workers; <c>COGO_CHAOS_WORKLOAD</c> leaves one of them.
/// </summary>
[UnsupportedOSPlatform("windows")]
[Collection(Alone.Name)]
public class ChaosTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Nothing_is_lost_nothing_is_finished_twice_and_no_zombie_finishes_anything()
    {
        var seed = (int)(Setting("COGO_SEED") ?? 1);
        var atLeast = TimeSpan.FromMinutes(Setting("COGO_CHAOS_MINUTES") ?? 0);
        var random = new Random(seed);
        var clock = Stopwatch.StartNew();
        await using var rig = await ChaosRig.StartAsync(PostgresVersion(), atLeast);
        if (!rig.Server.HasSmallDisk)
        {
            output.WriteLine("NOT TESTED: the full disk. It takes a file system of its own, and mounting one takes root.");
        }

        var loads = ChaosWorkloads.Chosen().Select(workload => new ChaosLoad(rig.Server.DataSource, workload)).ToList();
        try
        {
            await HarmAsync(rig, clock, atLeast, random);
            foreach (var load in loads)
            {
                await load.StopAsync();
                output.WriteLine($"{clock.Elapsed.TotalSeconds,7:0.0} s  calm; {load.Name}: {load.Published.Count} published, {load.Refused} batches refused");
            }

            await ChaosLedger.DrainAsync(rig.Server.DataSource);
            var broken = await ChaosLedger.BrokenAsync(rig.Server.DataSource, [.. loads.SelectMany(load => load.Published)]);
            broken.AddRange(loads.SelectMany(load => load.Contradictions));
            Assert.True(broken.Count == 0, $"Seed {seed}: {string.Join(Environment.NewLine, broken)}");
        }
        finally
        {
            foreach (var load in loads)
            {
                await load.DisposeAsync();
            }
        }

        var count = await ChaosLedger.CountAsync(rig.Server.DataSource);
        output.WriteLine($"{clock.Elapsed.TotalSeconds,7:0.0} s  {count}");
        Assert.True(count.Ledger > 300 * loads.Count && count.LeasesLost > 0, $"{count}: the run proves little.");
        Assert.All(loads, load => Assert.True(load.Published.Count > 500, $"{load.Name}: only {load.Published.Count} published: the run proves little."));
        if (loads.Exists(load => load.Name == "jobs"))
        {
            Assert.True(count.Reached > 0, "No cancellation reached a running handler.");
            Assert.True(count.BySql > 20 && count.SqlLeasesLost > 0, $"{count}: the worker in SQL proves little.");
        }
    }

    private async Task HarmAsync(ChaosRig rig, Stopwatch clock, TimeSpan atLeast, Random random)
    {
        do
        {
            var faults = rig.Faults.ToArray();
            random.Shuffle(faults);
            foreach (var (name, run) in faults)
            {
                output.WriteLine($"{clock.Elapsed.TotalSeconds,7:0.0} s  {name}");
                await run(random);
                await Task.Delay(500);
            }
        }
        while (clock.Elapsed < atLeast);
    }

    private static int PostgresVersion() => (int)(Setting("COGO_CHAOS_POSTGRES") ?? 18);

    private static double? Setting(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? double.Parse(text, CultureInfo.InvariantCulture) : null;
}
