using Microsoft.Extensions.Logging;

namespace Cogo.Core.Bus;

/// <summary>What the subscriptions of one process share, its session first of all.</summary>
internal sealed class BusCore(
    IBusStore store, BusOptions options, WakeUp wakeUp, Claimer claimer, Ender ender, BusRuntime runtime, ILogger logger) : IAsyncDisposable
{
    private readonly SemaphoreSlim _opening = new(1, 1);
    private readonly List<WorkerSession> _past = [];
    private readonly HashSet<string> _routes = [];
    private WorkerSession? _session;
    private bool _disposed;

    public BusOptions Options => options;

    public WakeUp WakeUp => wakeUp;

    public Claimer Claimer => claimer;

    public Ender Ender => ender;

    public IBusStore Store => store;

    public BusRuntime Runtime => runtime;

    public ILogger Logger => logger;

    public void AddRoute(Route route)
    {
        lock (_routes)
        {
            if (!_routes.Add(route.ToString()))
            {
                throw new InvalidOperationException($"This process subscribes {route} already: raise its concurrency instead.");
            }
        }
    }

    public void RemoveRoute(Route route)
    {
        lock (_routes)
        {
            _routes.Remove(route.ToString());
        }
    }

    /// <summary>Null until the first claim, and when it was lost.</summary>
    public WorkerSession? LivingSession => _session is { Lost.IsCancellationRequested: false } living ? living : null;

    /// <summary>The living session; a new one when the last was lost.</summary>
    public async Task<WorkerSession> SessionAsync(CancellationToken cancellationToken)
    {
        if (LivingSession is { } living)
        {
            return living;
        }

        await _opening.WaitAsync(cancellationToken);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (LivingSession is null)
            {
                var opened = await WorkerSession.OpenAsync(store, options, Routes(), runtime, logger, cancellationToken);
                if (_session is not null)
                {
                    // Handlers of the lost session still hold its token; it is disposed with the bus.
                    _past.Add(_session);
                }

                _session = opened;
            }

            return _session!;
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>Tells the database which routes this process reads by now, when its session began with fewer.</summary>
    public async Task AnnounceRoutesAsync(CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken);
        try
        {
            if (LivingSession is { } living)
            {
                await living.AnnounceAsync(Routes(), cancellationToken);
            }
        }
        finally
        {
            _opening.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Who is opening a session just now has it ended, too; nobody opens one afterwards.
        await _opening.WaitAsync();
        _disposed = true;
        _opening.Release();
        if (_session is not null)
        {
            await _session.DisposeAsync();
        }

        foreach (var lost in _past)
        {
            await lost.DisposeAsync();
        }
    }

    private string[] Routes()
    {
        lock (_routes)
        {
            return [.. _routes];
        }
    }
}
