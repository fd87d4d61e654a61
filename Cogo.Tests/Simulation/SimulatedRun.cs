using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Tests.Simulation;

/// <summary>
/// One run: a few workers of the bus as they are, a model of the database, and for three minutes whatever can go
/// wrong, all drawn from the seed. After that nothing goes wrong any more and everything must come to an end.
/// </summary>
internal sealed class SimulatedRun : IDisposable
{
    private static readonly TimeSpan Trouble = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Patience = TimeSpan.FromHours(2);
    private static readonly Route Route = Route.Parse("test/work/0");

    private readonly SimulatedWorld _world;
    private readonly StoreModel _model;
    private readonly List<Worker> _workers = [];
    private readonly NpgsqlDataSource _nowhere = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1");
    private readonly List<Task> _background = [];
    private NetworkFaults _faults;
    private int _started;
    private int _unpublished;

    private SimulatedRun(int seed, PlantedBug bug)
    {
        _world = new SimulatedWorld(seed);
        _model = new StoreModel(() => _world.Now, _world.Random, bug);
        _faults = new NetworkFaults(_world.Random.NextDouble() * 0.1, _world.Random.NextDouble() * 0.1, _world.Random.NextDouble() * 0.1, _world.Chance(0.2) ? 0.01 : 0);
    }

    /// <summary>What went wrong, or null; and a number that is the same when the run was.</summary>
    public static (string? Broken, int Trace) Run(int seed, PlantedBug bug = PlantedBug.None)
    {
        using var simulation = new SimulatedRun(seed, bug);
        return (simulation.Run(), simulation._world.Trace);
    }

    public void Dispose() => _nowhere.Dispose();

    private string? Run()
    {
        var workers = _world.Random.Next(1, 4);
        for (var i = 0; i < workers; i++)
        {
            Start();
        }

        _unpublished = _world.Random.Next(1, 25);
        for (var i = _unpublished; i > 0; i--)
        {
            _world.At(_world.Between(0, 60_000), Publish);
        }

        for (var i = _world.Random.Next(0, 12); i > 0; i--)
        {
            _world.At(_world.Between(0, Trouble.TotalMilliseconds), Disturb);
        }

        _world.At(Trouble, Settle);
        var history = new HistoryCheck(_model);
        var ended = _world.RunUntil(() => _unpublished == 0 && history.AllEnded(), Patience);
        foreach (var happening in _model.History)
        {
            _world.Note(happening.ToString());
        }

        var threw = _background.Select(task => task.Exception).FirstOrDefault(exception => exception is not null);
        return _world.Strayed ?? history.Broken() ?? threw?.ToString() ?? (ended ? null : history.Unended());
    }

    private void Publish()
    {
        TimeSpan? In(double chance, double leastMs, double mostMs) => _world.Chance(chance) ? _world.Now + _world.Between(leastMs, mostMs) : null;
        var isLate = _world.Chance(0.15);
        var id = _model.Publish(
            new StoreModel.Message
            {
                CreatedAt = _world.Now,
                MaxAttempts = _world.Random.Next(1, 6),
                Priority = _world.Chance(0.2) ? _world.Random.Next(-2, 3) : 0,
                Key = _world.Chance(0.15) ? $"key-{_world.Random.Next(3)}" : null,
                NotBefore = In(0.1, 0, 30_000),
                ExpiresAt = In(0.05, 0, 30_000),
            },
            commit: !isLate);
        if (isLate)
        {
            _world.At(_world.Between(0, 30_000), () => Committed(id));
        }
        else
        {
            Committed(id);
        }
    }

    private void Committed(long id)
    {
        _unpublished--;
        _model.Commit(id);
        foreach (var worker in _workers)
        {
            Wake(worker);
        }
    }

    /// <summary>A wake-up may be lost, late, or come twice.</summary>
    private void Wake(Worker worker)
    {
        for (var i = _world.Random.Next(0, 3); i > 0; i--)
        {
            _world.At(_world.Between(0.1, 50), () => worker.Process.Do(() => worker.Bus.WakeUp.Signal(1)));
        }
    }

    private void Start()
    {
        var process = new SimulatedProcess(_world, $"worker-{++_started}");
        process.Clock.Process = process;
        var options = new BusOptions { WorkerId = process.Name, Listen = false, BatchSize = _world.Random.Next(1, 6) };
        var store = new SimulatedStore(_world, _model, options, Route, _faults, from => _workers.Where(worker => worker.Store != from).ToList().ForEach(Wake));
        var runtime = new BusRuntime(process.Clock, new Random(_world.Random.Next()), process);
        var subscription = new SubscriptionOptions
        {
            Concurrency = _world.Random.Next(1, 5),
            HandlerTimeout = _world.Chance(0.3) ? TimeSpan.FromSeconds(10) : null,
            DrainTimeout = _world.Between(0, 2000),
        };
        process.Do(() =>
        {
            var bus = new MessageBus(_nowhere, options, store, runtime, NullLogger.Instance);
            _workers.Add(new Worker(process, bus, store, runtime));
            _background.Add(runtime.Run(() => SubscribeAsync(bus, process, subscription)));
        });
    }

    // As the host does: a start that fails is tried again.
    private async Task SubscribeAsync(MessageBus bus, SimulatedProcess process, SubscriptionOptions options)
    {
        while (true)
        {
            try
            {
                await bus.SubscribeAsync(Route, new Handler(_world, process), options, CancellationToken.None);
                return;
            }
            catch (NpgsqlException)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), process.Clock);
            }
            catch (ObjectDisposedException)
            {
                return;
            }
        }
    }

    private void Disturb()
    {
        if (_world.Now >= Trouble || _workers.Count == 0)
        {
            return;
        }

        var worker = _workers[_world.Random.Next(_workers.Count)];
        switch (_world.Random.Next(5))
        {
            case 0:
                worker.Process.Kill();
                _workers.Remove(worker);
                _world.At(_world.Between(0, 20_000), Start);
                break;
            case 1:
                worker.Process.Stop(_world.Between(10, 90_000));
                break;
            case 2:
                worker.Store.CutOff = true;
                _world.At(_world.Between(10, 90_000), () => worker.Store.CutOff = false);
                break;
            case 3:
                worker.Process.Clock.Offset += TimeSpan.FromHours(_world.Chance(0.5) ? 1 : -1);
                break;
            default:
                _workers.Remove(worker);
                worker.Process.Do(() => _background.Add(worker.Runtime.Run(() => worker.Bus.DisposeAsync().AsTask())));
                _world.At(_world.Between(0, 20_000), Start);
                break;
        }
    }

    private void Settle()
    {
        _faults = new NetworkFaults(0, 0, 0, 0);
        foreach (var worker in _workers)
        {
            worker.Process.Kill();
        }

        _workers.Clear();
        Start();
    }

    private sealed record Worker(SimulatedProcess Process, MessageBus Bus, SimulatedStore Store, BusRuntime Runtime);

    /// <summary>Does what handlers do, good ones and bad ones.</summary>
    private sealed class Handler(SimulatedWorld world, SimulatedProcess process) : IMessageHandler
    {
        public async Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken)
        {
            var work = world.Chance(0.1) ? world.Between(1000, 60_000) : world.Between(0, 100);
            if (world.Chance(0.8))
            {
                await Task.Delay(work, process.Clock, world.Chance(0.8) ? cancellationToken : CancellationToken.None);
            }

            return world.Random.Next(10) switch
            {
                0 => throw new InvalidOperationException("A bug."),
                1 => new Outcome.Retry("Not yet.", world.Chance(0.5) ? null : world.Between(0, 5000)),
                2 => new Outcome.Fail("no_good", "No good.", Verdict.Failed),
                3 => Outcome.Completed(publish: [new OutgoingMessage(Route, "{}")]),
                _ => Outcome.Completed(),
            };
        }
    }
}
