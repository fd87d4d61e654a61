using System.Globalization;
using Cogo.Core.Bus;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Tests.Chaos;

/// <summary>A worker of the chaos suite, in a process of its own, that works for each of the workloads.</summary>
internal static class ChaosWorker
{
    public const string Program = "chaos-worker";
    public const string Database = "COGO_CHAOS_DATABASE";
    public const string Listen = "COGO_CHAOS_LISTEN";
    public const string ClockMs = "COGO_CHAOS_CLOCK_MS";

    /// <summary>Set where jobs of the rare type are known.</summary>
    public const string Rare = "COGO_CHAOS_RARE";

    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(3);

    /// <summary>Works until standard input ends, then stops gracefully.</summary>
    public static async Task<int> RunAsync()
    {
        var time = new WrongClock(TimeSpan.FromMilliseconds(double.Parse(Environment.GetEnvironmentVariable(ClockMs) ?? "0", CultureInfo.InvariantCulture)));
        await using var database = NpgsqlDataSource.Create(Environment.GetEnvironmentVariable(Database)!);
        var options = new BusOptions
        {
            LeaseDuration = Lease,
            HeartbeatInterval = TimeSpan.FromMilliseconds(500),
            PollInterval = TimeSpan.FromMilliseconds(250),
            BatchSize = 20,
            ListenConnectionString = Environment.GetEnvironmentVariable(Listen),
        };
        await using var bus = new MessageBus(database, options, NullLogger<MessageBus>.Instance, time);
        var working = new List<IAsyncDisposable>();
        foreach (var workload in ChaosWorkloads.Chosen())
        {
            working.Add(await BeginAsync(() => workload.WorkAsync(database, bus, options, time)));
        }

        Console.WriteLine("ready");
        await Console.In.ReadToEndAsync();
        foreach (var work in working)
        {
            await work.DisposeAsync();
        }

        return 0;
    }

    // As the host does: a start that fails is tried again.
    private static async Task<IAsyncDisposable> BeginAsync(Func<Task<IAsyncDisposable>> start)
    {
        while (true)
        {
            try
            {
                return await start();
            }
            catch (NpgsqlException e)
            {
                await Console.Error.WriteLineAsync(e.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(500));
            }
        }
    }

    private sealed class WrongClock(TimeSpan offset) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + offset;
    }
}
