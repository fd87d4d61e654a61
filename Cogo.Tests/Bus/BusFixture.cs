using System.Collections.Concurrent;
using Cogo.Core.Bus;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cogo.Tests.Bus;

/// <summary>A database of its own, and as many buses on it as a test wants workers.</summary>
internal sealed class BusFixture : IAsyncDisposable
{
    private readonly List<MessageBus> _buses = [];

    private BusFixture(TestDatabase database) => Database = database;

    public static Route Route { get; } = Route.Parse("test/work/0");

    public TestDatabase Database { get; }

    public static async Task<BusFixture> CreateAsync(int postgres = PostgresServers.Newest) =>
        new(await PostgresServers.CreateDatabaseAsync(postgres));

    public MessageBus Bus(Func<BusOptions, BusOptions>? change = null)
    {
        var options = new BusOptions { WorkerId = $"worker-{_buses.Count + 1}", PollInterval = TimeSpan.FromMilliseconds(100) };
        var bus = new MessageBus(Database.DataSource, change is null ? options : change(options), NullLogger<MessageBus>.Instance);
        _buses.Add(bus);
        return bus;
    }

    public async Task<List<string>> EventsAsync(string traceId)
    {
        var types = new List<string>();
        await using var command = Database.DataSource.CreateCommand("select type from bus_events where trace_id = $1 order by id");
        command.Parameters.Add(new Npgsql.NpgsqlParameter { Value = traceId });
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            types.Add(reader.GetString(0));
        }

        return types;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var bus in _buses)
        {
            await bus.DisposeAsync();
        }

        await Database.DisposeAsync();
    }
}

/// <summary>A handler out of a function that remembers what it was given.</summary>
internal sealed class Recorder(Func<Delivery, CancellationToken, Task<Outcome>>? handle = null) : IMessageHandler
{
    public ConcurrentQueue<Delivery> Seen { get; } = new();

    public async Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        Seen.Enqueue(delivery);
        return handle is null ? Outcome.Completed() : await handle(delivery, cancellationToken);
    }
}
