using System.Collections.Concurrent;
using Cogo.Core.Bus;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Tests.Chaos;

/// <summary>Publishes steadily for a workload, whatever happens, and remembers what the database said it has.</summary>
internal sealed class ChaosLoad : IAsyncDisposable
{
    private readonly MessageBus _bus;
    private readonly IChaosClient _client;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public ChaosLoad(NpgsqlDataSource database, IChaosWorkload workload)
    {
        Name = workload.Name;
        _bus = new MessageBus(database, new BusOptions { WorkerId = "load" }, NullLogger<MessageBus>.Instance);
        _client = workload.CreateClient(database, _bus);
        _loop = RunAsync();
    }

    public string Name { get; }

    /// <summary>Messages whose publication was acknowledged.</summary>
    public ConcurrentQueue<long> Published { get; } = new();

    public int Refused { get; private set; }

    public IReadOnlyCollection<string> Contradictions => _client.Contradictions;

    /// <summary>Publishes no more, and does what the end of all work needs.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        await Eventually.BecomesTrueAsync(
            async () =>
            {
                try
                {
                    await _client.EndAsync();
                    return true;
                }
                catch (Exception e) when (IsFault(e))
                {
                    // A connection of the pool that the last fault has broken.
                    return false;
                }
            },
            $"the end of the load of {Name}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        await _bus.DisposeAsync();
        _stop.Dispose();
    }

    private static bool IsFault(Exception e) => e is NpgsqlException or IOException or TimeoutException;

    private async Task RunAsync()
    {
        for (var round = 0; !_stop.IsCancellationRequested; round++)
        {
            try
            {
                foreach (var id in await _client.PublishAsync(round))
                {
                    Published.Enqueue(id);
                }
            }
            catch (Exception e) when (IsFault(e))
            {
                // The faults hit us as well. What was refused may stand in the database all the same; it is judged there.
                Refused++;
            }

            await Task.Delay(100, CancellationToken.None);
        }
    }
}
