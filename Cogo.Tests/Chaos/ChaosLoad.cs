using System.Collections.Concurrent;
using Cogo.Core.Bus;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Tests.Chaos;

/// <summary>Publishes steadily, whatever happens, and remembers what the database said it has.</summary>
internal sealed class ChaosLoad : IAsyncDisposable
{
    private readonly MessageBus _bus;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public ChaosLoad(NpgsqlDataSource database)
    {
        _bus = new MessageBus(database, new BusOptions { WorkerId = "load" }, NullLogger<MessageBus>.Instance);
        _loop = RunAsync();
    }

    /// <summary>Messages whose publication was acknowledged.</summary>
    public ConcurrentQueue<long> Published { get; } = new();

    public int Refused { get; private set; }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _loop;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _bus.DisposeAsync();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var messages = Enumerable.Range(0, 10)
                    .Select(i => new OutgoingMessage(ChaosWorker.Work, "{}") { MaxAttempts = 50, Priority = i == 0 ? 1 : 0, Delay = i == 1 ? TimeSpan.FromSeconds(1) : null }).ToList();
                foreach (var receipt in await _bus.Publisher.PublishAsync(messages, CancellationToken.None))
                {
                    Published.Enqueue(receipt.MessageId);
                }
            }
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
            {
                // The faults hit us as well. What was refused may stand in the database all the same; it is judged there.
                Refused++;
            }

            await Task.Delay(100, CancellationToken.None);
        }
    }
}
