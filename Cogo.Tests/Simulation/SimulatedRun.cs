using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Tests.Simulation;

/// <summary>
/// One run: a few workers of the bus as they are, each on some of up to four routes, a model of the database, and for
/// three minutes whatever can go wrong, all drawn from the seed. After that nothing goes wrong any more and everything
/// must come to an end.
/// </summary>
internal sealed class SimulatedRun : IDisposable
{
    private static readonly TimeSpan Trouble = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Patience = TimeSpan.FromHours(2);
    private static readonly Route[] AllRoutes = [Route.Parse("test/work/0"), Route.Parse("test/other/1"), Route.Parse("jobs/default/0"), Route.Parse("jobs/slow/0")];

    private readonly SimulatedWorld _world;
    private readonly StoreModel _model;
    private readonly Route[] _routes;
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
        _faults = new NetworkFaults(_world.Random.NextDouble() * 0.1, _world.Random.NextDouble() * 0.1, _world.Random.NextDouble() * 0.1, _world.Chance(0.2) ? _world.Random.NextDouble() * 0.15 : 0);
        _routes = Some(AllRoutes);
        foreach (var route in _routes)
        {
            _model.LaneOf(route);
        }
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
            Start(Some(_routes));
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
            new StoredMessage
            {
                Route = _world.Random.GetItems(_routes, 1)[0],
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
        Wake(null, [_model.LaneOf(_model.Messages[(int)id - 1].Route)]);
    }

    /// <summary>A wake-up may be lost, late, or come twice.</summary>
    private void Wake(SimulatedStore? from, IReadOnlyCollection<long> lanes)
    {
        foreach (var worker in _workers.Where(worker => worker.Store != from))
        {
            foreach (var lane in lanes)
            {
                for (var i = _world.Random.Next(0, 3); i > 0; i--)
                {
                    _world.At(_world.Between(0.1, 50), () => worker.Process.Do(() => worker.Bus.WakeUp.Signal(lane)));
                }
            }
        }
    }

    private void Start(Route[] routes)
    {
        var process = new SimulatedProcess(_world, $"worker-{++_started}");
        process.Clock.Process = process;
        var options = new BusOptions { WorkerId = process.Name, Listen = false, BatchSize = _world.Random.Next(1, 6) };
        var store = new SimulatedStore(_world, _model, options, () => _faults, Wake) { OpensAtOnce = routes.Length > 1 };
        var runtime = new BusRuntime(process.Clock, new Random(_world.Random.Next()), process);
        var subscriptions = Array.ConvertAll(routes, route => (route, new SubscriptionOptions
        {
            Concurrency = _world.Random.Next(1, 5),
            HandlerTimeout = _world.Chance(0.3) ? TimeSpan.FromSeconds(10) : null,
            DrainTimeout = _world.Between(0, 2000),
        }));
        process.Do(() =>
        {
            var bus = new MessageBus(_nowhere, options, store, runtime, NullLogger.Instance);
            var stopping = new CancellationTokenSource();
            var starting = runtime.Run(() => SubscribeAsync(bus, process, subscriptions, stopping.Token));
            _background.Add(starting);
            _workers.Add(new Worker(process, bus, store, runtime, starting, stopping));
        });
    }

    // As the host does: a start that fails is tried again, and a stop ends the start before it closes the bus.
    private async Task SubscribeAsync(
        MessageBus bus, SimulatedProcess process, (Route Route, SubscriptionOptions Options)[] subscriptions, CancellationToken stopping)
    {
        for (var begun = 0; begun < subscriptions.Length && !stopping.IsCancellationRequested;)
        {
            try
            {
                var (route, options) = subscriptions[begun];
                await bus.SubscribeAsync(route, new Handler(_world, process, _routes), options, stopping);
                begun++;
            }
            catch (NpgsqlException)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), process.Clock, CancellationToken.None);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private static async Task StopAsync(Worker worker)
    {
        await worker.Runtime.CancelAsync(worker.Stopping);
        await worker.Starting;
        await worker.Bus.DisposeAsync();
        worker.Stopping.Dispose();
    }

    private void Disturb()
    {
        if (_world.Now >= Trouble || _workers.Count == 0)
        {
            return;
        }

        var worker = _workers[_world.Random.Next(_workers.Count)];
        switch (_world.Random.Next(6))
        {
            case 0:
                worker.Process.Kill();
                _workers.Remove(worker);
                _world.At(_world.Between(0, 20_000), () => Start(Some(_routes)));
                break;
            case 1:
                worker.Process.Stop(_world.Between(10, 90_000));
                break;
            case 2:
                worker.Store.CutOff = true;
                _world.At(_world.Between(10, 90_000), () => worker.Store.CutOff = false);
                break;
            case 3:
                PauseOne();
                break;
            case 4:
                worker.Process.Clock.Offset += TimeSpan.FromHours(_world.Chance(0.5) ? 1 : -1);
                break;
            default:
                _workers.Remove(worker);
                worker.Process.Do(() => _background.Add(worker.Runtime.Run(() => StopAsync(worker))));
                _world.At(_world.Between(0, 20_000), () => Start(Some(_routes)));
                break;
        }
    }

    /// <summary>A queue of jobs, if the run has one.</summary>
    private void PauseOne()
    {
        var queues = Array.FindAll(_routes, route => route.Service == Route.JobService);
        if (queues.Length == 0)
        {
            return;
        }

        var queue = queues[_world.Random.Next(queues.Length)];
        _model.Pause(queue, paused: true);
        _world.At(_world.Between(0, 60_000), () => Resume(queue));
    }

    private void Resume(Route queue)
    {
        _model.Pause(queue, paused: false);
        Wake(null, [_model.LaneOf(queue)]);
    }

    private Route[] Some(Route[] routes)
    {
        Route[] shuffled = [.. routes];
        _world.Random.Shuffle(shuffled);
        return shuffled[.._world.Random.Next(1, routes.Length + 1)];
    }

    /// <summary>Those that lived through it end what they hold, or another one ends what they held when they were killed.</summary>
    private void Settle()
    {
        _faults = new NetworkFaults(0, 0, 0, 0);
        Array.ForEach(_routes, Resume);
        if (_world.Chance(0.5))
        {
            _workers.ForEach(worker => worker.Process.Kill());
            _workers.Clear();
        }

        Start(_routes);
    }

    private sealed record Worker(
        SimulatedProcess Process, MessageBus Bus, SimulatedStore Store, BusRuntime Runtime, Task Starting, CancellationTokenSource Stopping);

    /// <summary>Does what handlers do, good ones and bad ones.</summary>
    private sealed class Handler(SimulatedWorld world, SimulatedProcess process, Route[] routes) : IMessageHandler
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
                3 => Outcome.Completed(publish: [new OutgoingMessage(world.Random.GetItems(routes, 1)[0], "{}")]),
                _ => Outcome.Completed(),
            };
        }
    }
}
