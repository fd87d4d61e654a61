using System.Runtime.InteropServices;
using Cogo.Core.Artifacts;
using Cogo.Core.Bus;
using Cogo.Core.Database;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Jobs;

/// <summary>
/// Runs the jobs of its queues, on the bus's subscriptions: those that name its executor, and those that name none.
/// Disposing stops gracefully: what does not end in time is handed back, and the attempt does not count.
/// </summary>
public sealed class JobWorker : IAsyncDisposable
{
    private static readonly string Register = SqlQuery.Load("register_worker_device");

    private readonly NpgsqlDataSource _database;
    private readonly MessageBus _bus;
    private readonly BusOptions _busOptions;
    private readonly JobOptions _options;
    private readonly JobCatalog _catalog;
    private readonly IArtifactStore? _artifacts;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly AttemptLimit _limit;
    private readonly List<Subscription> _subscriptions = [];
    private CancellationWatch? _watch;
    private ScheduleLeader? _leader;
    private int _disposed;

    /// <param name="artifacts">Where handlers leave files; null when they leave none.</param>
    /// <exception cref="ArgumentException">A setting makes no sense.</exception>
    public JobWorker(
        NpgsqlDataSource database, MessageBus bus, BusOptions busOptions, JobOptions options, JobCatalog catalog, IArtifactStore? artifacts,
        ILoggerFactory loggers, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _database = database;
        _bus = bus;
        _busOptions = busOptions;
        _options = options.Validated();
        _catalog = catalog;
        _artifacts = artifacts;
        _loggers = loggers;
        _time = time ?? TimeProvider.System;
        _limit = new AttemptLimit(options.MaxJobs);
    }

    /// <summary>Ends when <see cref="JobOptions.MaxJobs"/> attempts have ended: time to dispose. Never without that setting.</summary>
    public Task Completion => _limit.Reached;

    /// <summary>Registers the worker's device and types, then reads its queues. Call it again when it failed.</summary>
    /// <exception cref="NpgsqlException">The database does not answer, or has no schema.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await RegisterAsync(cancellationToken);
        _watch ??= new CancellationWatch(
            _database, _bus.WakeUp, await CancellationLaneAsync(cancellationToken), _options.CancelPollInterval, _time, _loggers.CreateLogger<CancellationWatch>());
        var endings = new JobEndings(_database, _busOptions.WorkerId, _busOptions.PayloadLimitBytes);
        var subscription = new SubscriptionOptions
        {
            // More at once than may run at all would only be handed back.
            Concurrency = Math.Min(_options.Concurrency, _options.MaxJobs ?? int.MaxValue),
            HandlerTimeout = _options.JobTimeout,
            DrainTimeout = _options.DrainTimeout,
            CancelGrace = _options.CancelGrace,
            Wants = message => JobEnvelope.TypeOf(message.Payload) is { } type && _catalog.Find(type) is not null,
        };
        var handler = new JobMessageHandler(_database, _catalog, _artifacts, _watch, _limit, endings, subscription.CancelGrace, _time, _loggers);
        foreach (var route in Routes())
        {
            if (!_subscriptions.Exists(started => started.Route == route))
            {
                _subscriptions.Add(await _bus.SubscribeAsync(route, handler, subscription, cancellationToken));
            }
        }

        if (_options.RunSchedules)
        {
            _leader ??= new ScheduleLeader(
                _database, new JobSchedules(_database, new JobQueue(_database, _bus)), $"{_busOptions.WorkerId}/{Environment.ProcessId}/{Guid.NewGuid():N}",
                _options.LeaderLease, _time, _loggers.CreateLogger<ScheduleLeader>());
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        if (_leader is not null)
        {
            await _leader.DisposeAsync();
        }

        await Task.WhenAll(_subscriptions.Select(subscription => subscription.DisposeAsync().AsTask()));
        if (_watch is not null)
        {
            await _watch.DisposeAsync();
        }

        _limit.Dispose();
    }

    private IEnumerable<Route> Routes() =>
        from queue in _options.Queues.Distinct(StringComparer.Ordinal)
        from executor in new[] { _options.ExecutorId, JobRoute.AnyExecutor }.Distinct(StringComparer.Ordinal)
        where executor is not null
        select JobRoute.Of(queue, executor);

    private async Task RegisterAsync(CancellationToken cancellationToken)
    {
        await using var register = _database.CreateCommand(Register);
        register.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _busOptions.WorkerId });
        register.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)_options.ExecutorId ?? DBNull.Value });
        register.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. _options.Queues] });
        register.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. _catalog.Types] });
        register.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Environment.MachineName });
        register.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Environment.ProcessId });
        register.Parameters.Add(new NpgsqlParameter<string> { TypedValue = RuntimeInformation.OSDescription });
        register.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Environment.ProcessorCount });
        register.Parameters.Add(new NpgsqlParameter<long> { TypedValue = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes });
        register.Parameters.Add(new NpgsqlParameter<string> { TypedValue = typeof(JobWorker).Assembly.GetName().Version?.ToString(3) ?? "0" });
        await register.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<long> CancellationLaneAsync(CancellationToken cancellationToken)
    {
        await using var ask = _database.CreateCommand("select public.cogo_lane('cogo', 'cancellations', '0')");
        return (long)(await ask.ExecuteScalarAsync(cancellationToken))!;
    }
}
