using Cogo.Core.Audit;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>
/// The bus as one process sees it. Delivery is at least once; finishing is fenced, so that no two attempts at a
/// message both count. Messages of a route are claimed in the order their transactions began; retries, delays and
/// priorities apart.
/// </summary>
public sealed class MessageBus : IAsyncDisposable
{
    private readonly NpgsqlDataSource _database;
    private readonly BusOptions _options;
    private readonly IBusStore _store;
    private readonly BusRuntime _runtime;
    private readonly StandingConnections _connections;
    private readonly Bell _bell;
    private readonly DirectPublish _direct;
    private readonly Acknowledger _acknowledger;
    private readonly BusCore _core;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly List<Subscription> _subscriptions = [];
    private bool _disposed;
    private BellListener? _listener;
    private Maintenance? _maintenance;
    private Poller? _poller;

    /// <exception cref="ArgumentOutOfRangeException">An option makes no sense.</exception>
    public MessageBus(NpgsqlDataSource database, BusOptions options, ILogger<MessageBus> logger, TimeProvider? time = null)
        : this(database, options, new PostgresStore(database, options, time ?? TimeProvider.System), BusRuntime.Of(time ?? TimeProvider.System), logger)
    {
    }

    /// <summary>Reads through <paramref name="store"/>; publishes and listens on <paramref name="database"/>.</summary>
    internal MessageBus(NpgsqlDataSource database, BusOptions options, IBusStore store, BusRuntime runtime, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        _database = database;
        _options = options.Validated();
        _store = store;
        _runtime = runtime;
        _logger = logger;
        _bell = new Bell(store, options, WakeUp, runtime, logger);
        _connections = (store as PostgresStore)?.Connections ?? new StandingConnections(database);
        var origin = (store as PostgresStore)?.Origin ?? "";
        _direct = new DirectPublish(_connections, origin);
        Publisher = new Publisher(_connections, options, _bell, _direct, origin, runtime.Time);
        Events = new EventLog(database, options.WorkerId);
        _acknowledger = new Acknowledger(store, options, runtime, logger);
        var ender = new Ender(store, _acknowledger, _bell, runtime.Time, logger);
        _core = new BusCore(store, options, WakeUp, new Claimer(store, runtime.Time), ender, runtime, logger);
    }

    public Publisher Publisher { get; }

    public EventLog Events { get; }

    internal WakeUp WakeUp { get; } = new();

    /// <summary>Starts to read a route; one subscription a route and process.</summary>
    /// <exception cref="InvalidOperationException">The route is subscribed already.</exception>
    /// <exception cref="ObjectDisposedException">The bus was disposed, before or meanwhile.</exception>
    public async Task<Subscription> SubscribeAsync(
        Route route, IMessageHandler handler, SubscriptionOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _core.AddRoute(route);
        try
        {
            var lane = await _store.LaneAsync(route, cancellationToken);
            await _core.AnnounceRoutesAsync(cancellationToken);
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                _listener ??= new BellListener(_database, _options, WakeUp, (_store as PostgresStore)?.Origin, _runtime.Time, _logger);
                _poller ??= new Poller(_store, _options, WakeUp, _runtime, _logger);
                _maintenance ??= new Maintenance(_store, _options, _bell, _runtime, _logger);
                var subscription = new Subscription(_core, route, lane, options, handler);
                _subscriptions.Add(subscription);
                _direct.Add(subscription);
                return subscription;
            }
        }
        catch
        {
            _core.RemoveRoute(route);
            throw;
        }
    }

    /// <summary>Stops reading, hands back what is held, ends the session, and rings for what was published last.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        await Task.WhenAll(_subscriptions.Select(subscription => subscription.DisposeAsync().AsTask()));
        if (_poller is not null)
        {
            await _poller.DisposeAsync();
        }

        if (_maintenance is not null)
        {
            await _maintenance.DisposeAsync();
        }

        if (_listener is not null)
        {
            await _listener.DisposeAsync();
        }

        await _acknowledger.DisposeAsync();
        await _core.DisposeAsync();
        await _bell.DisposeAsync();
        await _connections.DisposeAsync();
    }
}
