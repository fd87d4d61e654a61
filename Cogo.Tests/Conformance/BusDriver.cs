using Cogo.Core.Bus;
using Cogo.Tests.Bus;
using Cogo.Tests.Fixtures;
using Npgsql;

namespace Cogo.Tests.Conformance;

/// <summary>The bus as a queue under test.</summary>
internal sealed class BusDriver : IEffectsDriver
{
    private static readonly Route Next = Route.Parse("test/next/0");

    private readonly BusFixture _fixture;
    private readonly Publisher _publisher;

    private BusDriver(BusFixture fixture) => (_fixture, _publisher) = (fixture, fixture.Bus().Publisher);

    public TestDatabase Database => _fixture.Database;

    public OutgoingMessage FollowUp { get; } = new(Next, "{}");

    public static async Task<IEffectsDriver> CreateAsync(int postgres) => new BusDriver(await BusFixture.CreateAsync(postgres));

    public async Task<IReadOnlyList<long>> PutAsync(IReadOnlyList<Put> items, NpgsqlTransaction? transaction = null)
    {
        var messages = items.Select(put => new OutgoingMessage(BusFixture.Route, put.Payload)
        {
            Priority = put.Priority,
            Delay = put.Delay,
            TimeToLive = put.TimeToLive,
            IdempotencyKey = put.Key,
            MaxAttempts = put.MaxAttempts,
        }).ToList();
        var receipts = transaction is null
            ? await _publisher.PublishAsync(messages, default)
            : await _publisher.PublishAsync(transaction, messages, default);
        return [.. receipts.Select(receipt => receipt.MessageId)];
    }

    public async Task<IAsyncDisposable> WorkAsync(Func<Attempt, CancellationToken, Task<Outcome>> handle, WorkerSettings settings)
    {
        var bus = _fixture.Bus(options => options with { LeaseDuration = settings.Lease, HeartbeatInterval = settings.Heartbeat });
        await bus.SubscribeAsync(
            BusFixture.Route,
            new Recorder((delivery, token) => handle(new Attempt(delivery.MessageId, delivery.Attempt, delivery.Fence, delivery.Payload), token)),
            new SubscriptionOptions
            {
                Concurrency = settings.Concurrency,
                HandlerTimeout = settings.HandlerTimeout,
                CancelGrace = settings.CancelGrace,
                DrainTimeout = settings.DrainTimeout,
            },
            default);
        return bus;
    }

    public async Task<Standing> StandingAsync(long id)
    {
        await using var ask = Database.DataSource.CreateCommand(
            """
            select d.code, d.reason, exists (
                select 1 from bus_claims c cross join unnest(c.ids || c.deferred) i where i = $1)
              and not exists (select 1 from bus_deferred f where f.message_id = $1)
              and not exists (
                select 1 from bus_claims c cross join unnest(c.ids || c.deferred) i where i = $1 and c.revoked_at is null
                  and not exists (select 1 from bus_acks a where a.claim_id = c.claim_id and $1 = any (a.ids)))
            from (select 1) one left join dead_letters d on d.message_id = $1
            """);
        ask.Parameters.Add(new NpgsqlParameter { Value = id });
        await using var reader = await ask.ExecuteReaderAsync();
        await reader.ReadAsync();
        return reader switch
        {
            _ when !reader.IsDBNull(0) => new Standing(Place.Dead, reader.GetString(0), reader.GetString(1)),
            _ when reader.GetBoolean(2) => new Standing(Place.Finished),
            _ => new Standing(Place.Unfinished),
        };
    }

    public Task<long> FollowUpsAsync() => Database.ScalarAsync<long>("select count(*) from agent_messages where role = 'next'");

    public Task TakeLeasesAsync() => Database.TakeLeasesAsync();

    public Task HastenAsync() => Database.ExecuteAsync("update bus_deferred set ready_at = clock_timestamp() where claim_id is null and attempt > 0");

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();
}
