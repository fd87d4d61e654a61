using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Cogo.Tests.Bus;
using Cogo.Tests.Fixtures;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Simulation;

/// <summary>Both sides, and how the names of the one translate into those of the other.</summary>
internal sealed class StorePair
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);
    private static readonly Route Queue = Route.Parse("jobs/default/0");
    private static readonly Route[] Routes = [BusFixture.Route, Route.Parse("test/other/1"), Queue];

    private readonly TestDatabase _database;
    private readonly PostgresStore _postgres;
    private readonly StoreModel _model;
    private readonly Random _random;
    private readonly List<(long Postgres, long Model)> _sessions = [];
    private readonly List<(Delivery Postgres, Delivery Model, int Session)> _deliveries = [];
    private readonly Dictionary<long, long> _ids = [];
    private TimeSpan _now = TimeSpan.FromSeconds(1);
    private (NpgsqlTransaction Transaction, List<long> Ids)? _open;
    private bool _paused;

    public StorePair(TestDatabase database, int seed)
    {
        _database = database;
        _random = new Random(seed);
        _postgres = new PostgresStore(database.DataSource, new BusOptions { LeaseDuration = Lease }, TimeProvider.System);
        _model = new StoreModel(() => _now, _random);
    }

    public int Claimed => _deliveries.Count;

    public int Refused { get; private set; }

    public int Late { get; private set; }

    public int Paused { get; private set; }

    public Task StepAsync()
    {
        _now += TimeSpan.FromMilliseconds(1);
        return _random.Next(16) switch
        {
            _ when _sessions.Count == 0 => OpenAsync(),
            0 or 11 when _random.Next(2) == 0 => OpenAsync(),
            3 when _open is not null => CommitAsync(),
            0 when _open is null => PublishOpenAsync(),
            0 or 1 or 2 or 3 => PublishAsync(),
            4 or 5 or 6 => ClaimAsync(),
            7 or 8 => FinishAsync(),
            9 => EndOneAsync(),
            10 => HandBackAsync(),
            11 => _random.Next(3) == 0 ? TakeAsync() : EndSessionAsync(),
            12 => RenewAsync(),
            13 => PauseAsync(),
            14 => AskAsync(),
            _ => ReleaseAsync(),
        };
    }

    public async Task CompareAsync()
    {
        var dead = new List<(long, int, string)>();
        await using (var ask = _database.DataSource.CreateCommand("select message_id, attempt, code from dead_letters"))
        await using (var reader = await ask.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                dead.Add((_ids[reader.GetInt64(0)], reader.GetInt16(1), reader.GetString(2)));
            }
        }

        var deferred = new List<(long, int, bool)>();
        await using (var ask = _database.DataSource.CreateCommand("select message_id, attempt, claim_id is not null from bus_deferred"))
        await using (var reader = await ask.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                deferred.Add((_ids[reader.GetInt64(0)], reader.GetInt16(1), reader.GetBoolean(2)));
            }
        }

        Assert.Equal(_model.History.Where(now => now.Kind == Kind.Buried && now.Code != Happening.Duplicate).Select(now => (now.Id, now.Attempt, now.Code)).Order(), dead.Order());
        Assert.Equal(_model.Deferred.Order(), deferred.Order());
    }

    /// <summary>Ends the transaction that is open, so that what it published is seen.</summary>
    public async Task CommitAsync()
    {
        if (_open is not { } open)
        {
            return;
        }

        _open = null;
        var connection = open.Transaction.Connection!;
        await open.Transaction.CommitAsync();
        await connection.DisposeAsync();
        open.Ids.ForEach(_model.Commit);
        Late += open.Ids.Count;
    }

    private async Task PublishOpenAsync()
    {
        var connection = await _database.DataSource.OpenConnectionAsync();
        _open = (await connection.BeginTransactionAsync(), []);
        await PublishAsync();
    }

    private async Task OpenAsync() => _sessions.Add((await _postgres.OpenSessionAsync([], default), _model.OpenSession(Lease)));

    /// <summary>In the transaction that was just begun, or else each in one of its own.</summary>
    private async Task PublishAsync()
    {
        var open = _open is { Ids.Count: 0 } begun ? begun : ((NpgsqlTransaction Transaction, List<long> Ids)?)null;
        for (var i = _random.Next(1, 5); i > 0; i--)
        {
            var priority = _random.Next(3) == 0 ? _random.Next(-2, 3) : 0;
            var attempts = _random.Next(1, 4);
            var key = _random.Next(6) == 0 ? $"key-{_random.Next(5)}" : null;
            var expired = _random.Next(12) == 0;
            var route = Pick(Routes);
            var id = await InsertAsync(open?.Transaction, route.Service, route.Role, route.Shard, (short)priority, (short)attempts, (object?)key ?? DBNull.Value, expired);
            _ids[id] = _model.Publish(
                new StoredMessage
                {
                    Route = route,
                    Priority = priority,
                    MaxAttempts = attempts,
                    Key = key,
                    CreatedAt = _now,
                    ExpiresAt = expired ? TimeSpan.Zero : null,
                },
                commit: open is null);
            open?.Ids.Add(_ids[id]);
        }
    }

    private async Task<long> InsertAsync(NpgsqlTransaction? transaction, params object[] values)
    {
        const string Insert =
            """
            insert into agent_messages (service, role, shard, payload, priority, max_attempts, idempotency_key, expires_at)
            values ($1, $2, $3, '{}', $4, $5, $6, case when $7 then clock_timestamp() - interval '1 hour' end) returning id
            """;
        if (transaction is null)
        {
            return await _database.ScalarAsync<long>(Insert, values);
        }

        await using var insert = new NpgsqlCommand(Insert, transaction.Connection, transaction);
        foreach (var value in values)
        {
            insert.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return (long)(await insert.ExecuteScalarAsync())!;
    }

    private async Task ClaimAsync()
    {
        await HastenAsync();
        var session = _random.Next(4) == 0 ? _random.Next(_sessions.Count) : _sessions.Count - 1;
        var limit = _random.Next(1, 6);
        var route = Pick(Routes);
        var lane = await _postgres.LaneAsync(route, default);
        Paused += _paused && route == Queue ? 1 : 0;
        var theirs = await AnswerAsync(() => _postgres.ClaimAsync(lane, route, _sessions[session].Postgres, limit, default));
        var ours = await AnswerAsync(() => Task.FromResult(_model.Claim(_model.LaneOf(route), route, _sessions[session].Model, limit)));
        Assert.Equal(theirs?.Select(Shape), ours?.Select(delivery => (delivery.MessageId, delivery.Attempt, delivery.Priority)));
        if (theirs is null || ours is null)
        {
            Refused++;
            return;
        }

        _deliveries.AddRange(theirs.Zip(ours, (postgres, model) => (postgres, model, session)));
    }

    private async Task FinishAsync()
    {
        if (_deliveries.Count == 0)
        {
            return;
        }

        var asked = Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Pick()).ToList();
        var session = asked[0].Session;
        var theirs = await _postgres.FinishAsync(_sessions[session].Postgres, [.. asked.Select(d => (d.Postgres.Fence, d.Postgres.MessageId))], default);
        var ours = _model.Finish(_sessions[session].Model, asked.Select(d => (d.Model.Fence, d.Model.MessageId)));
        Assert.Equal(
            asked.Where(d => theirs.Contains((d.Postgres.Fence, d.Postgres.MessageId))).Select(d => d.Model.MessageId),
            asked.Where(d => ours.Contains((d.Model.Fence, d.Model.MessageId))).Select(d => d.Model.MessageId));
        Refused += asked.Count - ours.Count;
    }

    private async Task EndOneAsync()
    {
        if (_deliveries.Count == 0)
        {
            return;
        }

        var (postgres, model, session) = Pick();
        var outcome = _random.Next(3) switch
        {
            0 => new Outcome.Fail("no_good", "No good.", Verdict.Failed),
            1 => new Outcome.Done { Events = [new Core.Audit.AuditEvent("work_done")] },
            _ => (Outcome)new Outcome.Retry("again", _random.Next(2) == 0 ? null : TimeSpan.Zero),
        };
        var theirs = (await _postgres.EndAsync(_sessions[session].Postgres, postgres, outcome, default)).Ending;
        var ours = outcome switch
        {
            Outcome.Fail fail => _model.Fail(_sessions[session].Model, model.Fence, model.MessageId, fail.Code),
            Outcome.Retry retry => _model.Retry(_sessions[session].Model, model.Fence, model.MessageId, retry.After, counts: true, Happening.Retried),
            _ => _model.Finish(_sessions[session].Model, [(model.Fence, model.MessageId)]).Count == 1 ? Ending.Accepted : Ending.Fenced,
        };
        Assert.Equal(theirs, ours);
        Refused += ours == Ending.Fenced ? 1 : 0;
    }

    private async Task HandBackAsync()
    {
        if (_deliveries.Count == 0)
        {
            return;
        }

        var (postgres, model, session) = Pick();
        Assert.Equal(
            await _postgres.HandBackAsync(_sessions[session].Postgres, postgres, "The worker stopped.", default),
            _model.Retry(_sessions[session].Model, model.Fence, model.MessageId, TimeSpan.Zero, counts: false, Happening.HandedBack));
    }

    private async Task TakeAsync()
    {
        var session = _random.Next(_sessions.Count);
        await _database.ExecuteAsync(
            "update bus_sessions set lease_until = clock_timestamp() - interval '1 second' where session_id = $1 and ended_at is null", _sessions[session].Postgres);
        await _postgres.ReapAsync(default);
        _model.Renew(_sessions[session].Model, TimeSpan.FromSeconds(-1), 0);
        _now += TimeSpan.FromMilliseconds(1);
        _model.Reap();
    }

    private async Task EndSessionAsync()
    {
        var session = _random.Next(_sessions.Count);
        await _postgres.EndSessionAsync(_sessions[session].Postgres, "Stopped.", default);
        _model.EndSession(_sessions[session].Model);
    }

    private async Task RenewAsync()
    {
        var session = _random.Next(_sessions.Count);
        Assert.Equal(await _postgres.RenewSessionAsync(_sessions[session].Postgres, 0, default), _model.Renew(_sessions[session].Model, Lease, 0));
    }

    private async Task ReleaseAsync()
    {
        if (_deliveries.Count == 0)
        {
            return;
        }

        var session = Pick().Session;
        var known = _deliveries.Where(d => d.Session == session && _random.Next(2) == 0).ToList();
        var released = new List<long>();
        await using (var release = _database.DataSource.CreateCommand("select * from cogo_release_unknown($1, 0, $2, interval '0')"))
        {
            release.Parameters.Add(new NpgsqlParameter { Value = _sessions[session].Postgres });
            release.Parameters.Add(new NpgsqlParameter { Value = known.Select(d => d.Postgres.Fence).ToArray() });
            await using var reader = await release.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                released.Add(reader.GetInt64(0));
            }
        }

        Assert.Equal(released.Count, _model.ReleaseUnknown(_sessions[session].Model, 0, [.. known.Select(d => d.Model.Fence)], TimeSpan.Zero));
    }

    private async Task PauseAsync()
    {
        _paused = !_paused;
        await _database.ExecuteAsync(_paused ? "select pause_queue($1)" : "select resume_queue($1)", Queue.Role);
        _model.Pause(Queue, _paused);
    }

    private async Task AskAsync()
    {
        await HastenAsync();
        var lanes = new Dictionary<long, long>();
        foreach (var route in Routes)
        {
            lanes[await _postgres.LaneAsync(route, default)] = _model.LaneOf(route);
        }

        Assert.Equal(lanes.Values.Where(_model.IsReady).Order(), (await _postgres.ReadyLanesAsync(lanes.Keys, default)).Select(lane => lanes[lane]).Order());
    }

    private async Task HastenAsync()
    {
        await _database.ExecuteAsync("update bus_deferred set ready_at = now() where claim_id is null");
        _model.Hasten();
    }

    private Route Pick(Route[] routes) => routes[_random.Next(routes.Length)];

    private (long, int, int) Shape(Delivery delivery) => (_ids[delivery.MessageId], delivery.Attempt, delivery.Priority);

    // The newest ones mostly: the old ones are ended.
    private (Delivery Postgres, Delivery Model, int Session) Pick() =>
        _deliveries[_random.Next(3) == 0 ? _random.Next(_deliveries.Count) : Math.Max(0, _deliveries.Count - 1 - _random.Next(10))];

    private static async Task<IReadOnlyList<Delivery>?> AnswerAsync(Func<Task<IReadOnlyList<Delivery>>> claim)
    {
        try
        {
            return await claim();
        }
        catch (SessionEndedException)
        {
            return null;
        }
    }
}
