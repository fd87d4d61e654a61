using System.Globalization;
using System.Text.Json;
using Cogo.Core.Bus;
using Npgsql;

namespace Cogo.Tests.Chaos;

/// <summary>
/// Messages. Most of what is finished is written into <c>ledger</c>, in the transaction that finishes it, and followed
/// up by another message; the rest goes the way of batched acknowledgements.
/// </summary>
internal sealed class BusWorkload : IChaosWorkload
{
    private static readonly Route Work = Route.Parse("chaos/work/0");
    private static readonly Route Next = Route.Parse("chaos/next/0");

    public string Name => "bus";

    public string LateInsert => "insert into agent_messages (service, role, payload) values ('chaos', 'work', '{}')";

    public IReadOnlyList<(string Rule, string Query)> Rules =>
    [
        ("the follow-up was published with the ledger, once",
            "select l.message_id from ledger l join agent_messages w on w.id = l.message_id and w.service = 'chaos' left join agent_messages m on m.role = 'next' and m.payload = to_jsonb(l.message_id) group by 1 having count(m.id) <> 1"),
        ("no follow-up without the ledger", "select m.id from agent_messages m where m.role = 'next' and not exists (select 1 from ledger l where to_jsonb(l.message_id) = m.payload)"),
    ];

    public async Task<IAsyncDisposable> WorkAsync(NpgsqlDataSource database, MessageBus bus, BusOptions options, TimeProvider time) =>
        await bus.SubscribeAsync(Work, new Handler(database), new SubscriptionOptions { Concurrency = 8 }, default);

    public IChaosClient CreateClient(NpgsqlDataSource database, MessageBus bus) => new Client(bus);

    private sealed class Handler(NpgsqlDataSource database) : IMessageHandler
    {
        public async Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken)
        {
            if (delivery.Payload.Contains(ChaosSteps.Poison, StringComparison.Ordinal))
            {
                await ChaosSteps.FailAsync(database, delivery.MessageId, delivery.Fence, delivery.Attempt, cancellationToken);
            }

            return await ChaosSteps.TakeAsync(delivery.MessageId, delivery.Fence, delivery.Attempt, cancellationToken) switch
            {
                ChaosStep.Retry => new Outcome.Retry("Not yet.", TimeSpan.FromMilliseconds(50)),
                ChaosStep.GiveUp => new Outcome.Fail("no_good", "No good.", Core.Pipeline.Verdict.Failed),
                ChaosStep.Finish => Outcome.Completed(),
                _ => Outcome.Completed(publish: [new OutgoingMessage(Next, delivery.MessageId.ToString(CultureInfo.InvariantCulture))]) with
                {
                    Write = (transaction, token) => WriteAsync(transaction, delivery, token),
                },
            };
        }

        private static async Task WriteAsync(NpgsqlTransaction transaction, Delivery delivery, CancellationToken cancellationToken)
        {
            await using var insert = new NpgsqlCommand("insert into ledger (message_id, fence) values ($1, $2)", transaction.Connection, transaction);
            insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = delivery.MessageId });
            insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = delivery.Fence });
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private sealed class Client(MessageBus bus) : IChaosClient
    {
        public IReadOnlyCollection<string> Contradictions => [];

        public async Task<IReadOnlyList<long>> PublishAsync(int round)
        {
            var messages = Enumerable.Range(0, 10)
                .Select(i => new OutgoingMessage(Work, "{}") { MaxAttempts = 50, Priority = i == 0 ? 1 : 0, Delay = i == 1 ? TimeSpan.FromSeconds(1) : null }).ToList();
            if (round % 5 == 0)
            {
                messages.Add(new OutgoingMessage(Work, JsonSerializer.Serialize(ChaosSteps.Poison)) { MaxAttempts = ChaosSteps.PoisonAttempts });
            }

            return [.. (await bus.Publisher.PublishAsync(messages, CancellationToken.None)).Select(receipt => receipt.MessageId)];
        }

        public Task EndAsync() => Task.CompletedTask;
    }
}
