using System.Globalization;
using Cogo.Core.Bus;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Tests.Chaos;

/// <summary>
/// A worker of the chaos suite, in a process of its own. Most of what it finishes it writes into <c>ledger</c>, in the
/// transaction that finishes it, and publishes a follow-up; the rest goes the way of batched acknowledgements.
/// </summary>
internal static class ChaosWorker
{
    public const string Program = "chaos-worker";
    public const string Database = "COGO_CHAOS_DATABASE";
    public const string Listen = "COGO_CHAOS_LISTEN";
    public const string ClockMs = "COGO_CHAOS_CLOCK_MS";

    public static readonly Route Work = Route.Parse("chaos/work/0");
    public static readonly Route Next = Route.Parse("chaos/next/0");
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(3);

    /// <summary>Every fourth message is finished without a row in the ledger.</summary>
    public static bool IsLedgered(long id) => id % 4 != 0;

    /// <summary>Works until standard input ends, then stops gracefully.</summary>
    public static async Task<int> RunAsync()
    {
        var offset = TimeSpan.FromMilliseconds(double.Parse(Environment.GetEnvironmentVariable(ClockMs) ?? "0", CultureInfo.InvariantCulture));
        await using var database = NpgsqlDataSource.Create(Environment.GetEnvironmentVariable(Database)!);
        var options = new BusOptions
        {
            LeaseDuration = Lease,
            HeartbeatInterval = TimeSpan.FromMilliseconds(500),
            PollInterval = TimeSpan.FromMilliseconds(250),
            BatchSize = 20,
            ListenConnectionString = Environment.GetEnvironmentVariable(Listen),
        };
        await using var bus = new MessageBus(database, options, NullLogger<MessageBus>.Instance, new WrongClock(offset));
        await SubscribeAsync(bus);
        Console.WriteLine("ready");
        await Console.In.ReadToEndAsync();
        return 0;
    }

    // As the host does: a start that fails is tried again.
    private static async Task SubscribeAsync(MessageBus bus)
    {
        while (true)
        {
            try
            {
                await bus.SubscribeAsync(Work, new Handler(), new SubscriptionOptions { Concurrency = 8 }, default);
                return;
            }
            catch (NpgsqlException e)
            {
                await Console.Error.WriteLineAsync(e.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(500));
            }
        }
    }

    private sealed class Handler : IMessageHandler
    {
        public async Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken)
        {
            var random = new Random(HashCode.Combine(delivery.MessageId, delivery.Attempt));
            // Every hundredth outlives the lease, which must be renewed meanwhile.
            await Task.Delay(random.Next(100) == 0 ? random.Next(1000, 5000) : random.Next(20), cancellationToken);
            return random.Next(20) switch
            {
                0 => throw new InvalidOperationException("A bug."),
                1 => new Outcome.Retry("Not yet.", TimeSpan.FromMilliseconds(50)),
                2 when delivery.Attempt == 1 => new Outcome.Fail("no_good", "No good.", Core.Pipeline.Verdict.Failed),
                _ when !IsLedgered(delivery.MessageId) => Outcome.Completed(),
                _ => Outcome.Completed(publish: [new OutgoingMessage(Next, delivery.MessageId.ToString(CultureInfo.InvariantCulture))]) with
                {
                    Write = (transaction, token) => WriteAsync(transaction, delivery, token),
                },
            };
        }

        private static async Task WriteAsync(NpgsqlTransaction transaction, Delivery delivery, CancellationToken cancellationToken)
        {
            await using var insert = new NpgsqlCommand("insert into ledger (message_id, fence, pid) values ($1, $2, $3)", transaction.Connection, transaction);
            insert.Parameters.Add(new NpgsqlParameter { Value = delivery.MessageId });
            insert.Parameters.Add(new NpgsqlParameter { Value = delivery.Fence });
            insert.Parameters.Add(new NpgsqlParameter { Value = Environment.ProcessId });
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private sealed class WrongClock(TimeSpan offset) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + offset;
    }
}
