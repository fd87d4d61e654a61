using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>The bus's calls, on Postgres: see the functions of <c>0002_bus_functions.sql</c>.</summary>
internal sealed class PostgresStore(NpgsqlDataSource database, BusOptions options, TimeProvider time) : IBusStore
{
    /// <summary>SQLSTATE that <c>cogo_claim</c> raises when the session has ended.</summary>
    private const string SessionEnded = "CG001";

    private readonly PostgresEndings _endings = new(database, options, time);

    /// <summary>For the statements that run for every claim, acknowledgement and wake-up.</summary>
    public StandingConnections Connections { get; } = new(database);

    /// <summary>Signs this store's bells: its own process woke its subscribers without them.</summary>
    public string Origin { get; } = Guid.NewGuid().ToString("N");

    public async Task<long> LaneAsync(Route route, CancellationToken cancellationToken)
    {
        await using var ask = database.CreateCommand("select public.cogo_lane($1, $2, $3)");
        Add(ask, route.Service);
        Add(ask, route.Role);
        Add(ask, route.Shard);
        return (long)(await ask.ExecuteScalarAsync(cancellationToken))!;
    }

    public async Task<long> OpenSessionAsync(IReadOnlyCollection<string> routes, CancellationToken cancellationToken)
    {
        var identity = ProcessIdentity.Current();
        await using var insert = database.CreateCommand(
            """
            insert into public.bus_sessions (worker_id, host, pid, pid_started, routes, lease_until)
            values ($1, $2, $3, $4, $5, clock_timestamp() + $6) returning session_id
            """);
        Add(insert, options.WorkerId);
        Add(insert, identity.Host);
        Add(insert, identity.Pid);
        Add(insert, identity.StartedTicks);
        Add(insert, routes.ToArray());
        Add(insert, options.LeaseDuration);
        return (long)(await insert.ExecuteScalarAsync(cancellationToken))!;
    }

    public async Task AnnounceRoutesAsync(long session, IReadOnlyCollection<string> routes, CancellationToken cancellationToken)
    {
        await using var update = database.CreateCommand("update public.bus_sessions set routes = $2 where session_id = $1 and ended_at is null");
        Add(update, session);
        Add(update, routes.ToArray());
        await update.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task<bool> RenewSessionAsync(long session, long floorClaim, CancellationToken cancellationToken)
    {
        await using var connection = await Connections.RentAsync(cancellationToken);
        await using var renew = connection.Command(
            """
            update public.bus_sessions set seen_at = clock_timestamp(), lease_until = clock_timestamp() + $2, floor_claim = $3
            where session_id = $1 and ended_at is null
            """);
        Add(renew, session);
        Add(renew, options.LeaseDuration);
        Add(renew, floorClaim);
        await connection.PrepareAsync(renew, cancellationToken);
        return await renew.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    public async Task<IReadOnlyList<long>> EndSessionAsync(long session, string reason, CancellationToken cancellationToken)
    {
        await using var end = database.CreateCommand("select distinct lane from public.cogo_end_session($1, $2) lane");
        Add(end, session);
        Add(end, reason);
        return await LanesAsync(end, cancellationToken);
    }

    public async Task<IReadOnlyList<Delivery>> ClaimAsync(long lane, Route route, long session, int limit, CancellationToken cancellationToken)
    {
        var jobs = route.Service == Route.JobService;
        await using var connection = await Connections.RentAsync(cancellationToken);
        await using var claim = connection.Command(
            jobs ? "select * from public.cogo_claim_jobs($1, $4, $2, $3)" : "select * from public.cogo_claim($1, $2, $3)");
        Add(claim, lane);
        Add(claim, session);
        Add(claim, limit);
        if (jobs)
        {
            Add(claim, route.Role);
        }

        var claimed = new List<Delivery>();
        try
        {
            await connection.PrepareAsync(claim, cancellationToken);
            await using var reader = await claim.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                claimed.Add(Read(reader, route));
            }
        }
        catch (PostgresException e) when (e.SqlState == SessionEnded)
        {
            throw new SessionEndedException(session, e);
        }

        return claimed;
    }

    public async Task<IReadOnlyList<long>> ReadyLanesAsync(IReadOnlyCollection<long> lanes, CancellationToken cancellationToken)
    {
        await using var connection = await Connections.RentAsync(cancellationToken);
        await using var ask = connection.Command("select * from public.cogo_ready_lanes($1) lane");
        Add(ask, lanes.ToArray());
        await connection.PrepareAsync(ask, cancellationToken);
        return await LanesAsync(ask, cancellationToken);
    }

    public async Task<int> ReleaseUnknownAsync(long session, long from, IReadOnlyList<long> known, CancellationToken cancellationToken)
    {
        await using var release = database.CreateCommand("select * from public.cogo_release_unknown($1, $2, $3, $4) lane");
        Add(release, session);
        Add(release, from);
        Add(release, known.ToArray());
        // A claim that is under way now looks unknown, too; it is heard of long before the next heartbeat.
        Add(release, options.HeartbeatInterval / 2);
        return (await LanesAsync(release, cancellationToken)).Count;
    }

    public async Task<IReadOnlyList<(long Fence, long MessageId)>> FinishAsync(
        long session, IReadOnlyList<(long Fence, long MessageId)> messages, CancellationToken cancellationToken)
    {
        // A command a claim, all of them one transaction; the claims in order, as everyone locks them.
        var claims = messages.GroupBy(static message => message.Fence).OrderBy(static claim => claim.Key).ToList();
        await using var connection = await Connections.RentAsync(cancellationToken);
        await using var batch = connection.Connection.CreateBatch();
        foreach (var claim in claims)
        {
            var acknowledge = new NpgsqlBatchCommand("select public.cogo_acknowledge($1, $2, $3)");
            acknowledge.Parameters.Add(new NpgsqlParameter<long> { TypedValue = session });
            acknowledge.Parameters.Add(new NpgsqlParameter<long> { TypedValue = claim.Key });
            acknowledge.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. claim.Select(static message => message.MessageId)] });
            batch.BatchCommands.Add(acknowledge);
        }

        var refused = new HashSet<(long, long)>();
        await connection.PrepareAsync(batch, cancellationToken);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        foreach (var claim in claims)
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                refused.Add((claim.Key, reader.GetInt64(0)));
            }

            await reader.NextResultAsync(cancellationToken);
        }

        return refused.Count == 0 ? messages : [.. messages.Where(message => !refused.Contains(message))];
    }

    public Task<Ended> EndAsync(long session, Delivery delivery, Outcome outcome, CancellationToken cancellationToken) =>
        _endings.EndAsync(session, delivery, outcome, cancellationToken);

    public Task<Ending> HandBackAsync(long session, Delivery delivery, string reason, CancellationToken cancellationToken) =>
        _endings.HandBackAsync(session, delivery, reason, cancellationToken);

    public async Task<IReadOnlyList<long>> ReapAsync(CancellationToken cancellationToken)
    {
        await using var connection = await Connections.RentAsync(cancellationToken);
        await using var reap = connection.Command("select distinct lane from public.cogo_reap() lane");
        await connection.PrepareAsync(reap, cancellationToken);
        return await LanesAsync(reap, cancellationToken);
    }

    public async Task<IReadOnlyList<(long Session, ProcessIdentity Process)>> LiveSessionsAsync(CancellationToken cancellationToken)
    {
        var live = new List<(long, ProcessIdentity)>();
        await using var ask = database.CreateCommand("select session_id, host, pid, pid_started from public.bus_sessions where ended_at is null");
        await using var reader = await ask.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            live.Add((reader.GetInt64(0), new ProcessIdentity(reader.GetString(1), reader.GetInt32(2), reader.GetInt64(3))));
        }

        return live;
    }

    public async Task KeepHouseAsync(CancellationToken cancellationToken)
    {
        await using var partitions = database.CreateCommand("select public.cogo_ensure_partitions()");
        await partitions.ExecuteNonQueryAsync(cancellationToken);
        await using var prune = database.CreateCommand("select public.cogo_prune($1)");
        Add(prune, options.KeepFinished);
        await prune.ExecuteNonQueryAsync(cancellationToken);
        await SetDaysAsideAsync(cancellationToken);
        if (options.Retention is { } retention)
        {
            await using var drop = database.CreateCommand("select public.cogo_drop_old_partitions($1)");
            Add(drop, retention);
            await drop.ExecuteNonQueryAsync(cancellationToken);
            await PruneAsync("select public.cogo_prune_workflows($1)", retention, cancellationToken);
            await PruneAsync("select public.cogo_prune_figures($1)", retention, cancellationToken);
        }
    }

    /// <summary>Each step is a transaction of its own; proving a day reads all of it.</summary>
    private async Task SetDaysAsideAsync(CancellationToken cancellationToken)
    {
        string? step;
        do
        {
            await using var aside = database.CreateCommand("select public.cogo_set_day_aside()");
            aside.CommandTimeout = 600;
            step = await aside.ExecuteScalarAsync(cancellationToken) as string;
        }
        while (step is not null);
    }

    /// <summary>Batch by batch, each a transaction of its own, until nothing is left to delete.</summary>
    private async Task PruneAsync(string sql, TimeSpan retention, CancellationToken cancellationToken)
    {
        bool more;
        do
        {
            await using var prune = database.CreateCommand(sql);
            Add(prune, retention);
            more = await prune.ExecuteScalarAsync(cancellationToken) is int gone && gone > 0;
        }
        while (more);
    }

    public async Task NotifyAsync(IReadOnlyCollection<long> lanes, CancellationToken cancellationToken)
    {
        await using var connection = await Connections.RentAsync(cancellationToken);
        // A wake-up has nothing to make durable: its commit must not make others wait for the disk.
        await using var notify = connection.Command(
            """
            select pg_notify($1, lane || '@' || $3)
            from (select set_config('synchronous_commit', 'off', true)) quick, unnest($2::bigint[]) lane
            """);
        Add(notify, Bell.Channel);
        Add(notify, lanes.ToArray());
        Add(notify, Origin);
        await connection.PrepareAsync(notify, cancellationToken);
        await notify.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<IReadOnlyList<long>> LanesAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var lanes = new List<long>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            lanes.Add(reader.GetInt64(0));
        }

        return lanes;
    }

    private static void Add<T>(NpgsqlCommand command, T value) => command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });

    private static Delivery Read(NpgsqlDataReader reader, Route route)
    {
        var id = reader.GetInt64(1);
        return new Delivery
        {
            Fence = reader.GetInt64(0),
            MessageId = id,
            Route = route,
            Tenant = reader.IsDBNull(5) ? null : reader.GetString(5),
            Payload = reader.GetString(6),
            TraceId = reader.GetString(7),
            TraceParent = reader.IsDBNull(8) ? null : reader.GetString(8),
            IdempotencyKey = reader.IsDBNull(9) ? $"message:{id}" : reader.GetString(9),
            Priority = reader.GetInt16(10),
            Attempt = reader.GetInt16(11),
            MaxAttempts = reader.GetInt16(12),
            ExpiresAt = reader.IsDBNull(13) ? null : reader.GetFieldValue<DateTimeOffset>(13),
            CreatedAt = reader.GetFieldValue<DateTimeOffset>(14),
        };
    }
}
