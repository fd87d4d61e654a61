using Cogo.Core.Bus;
using Npgsql;

namespace Cogo.Tests.Chaos;

/// <summary>What is at work while the faults happen: something that is published, the worker that does it, and what must hold at the end.</summary>
internal interface IChaosWorkload
{
    string Name { get; }

    /// <summary>One statement that publishes, for a transaction that commits late.</summary>
    string LateInsert { get; }

    /// <summary>Each a query for the messages that break it, beside the rules of <see cref="ChaosLedger"/>.</summary>
    IReadOnlyList<(string Rule, string Query)> Rules { get; }

    /// <summary>Begins to work in a worker process; throws what the database throws, and is then called again.</summary>
    Task<IAsyncDisposable> WorkAsync(NpgsqlDataSource database, MessageBus bus, BusOptions options, TimeProvider time);

    /// <summary>The other side: whoever publishes.</summary>
    IChaosClient CreateClient(NpgsqlDataSource database, MessageBus bus);
}

/// <summary>Publishes, and remembers what the database said.</summary>
internal interface IChaosClient
{
    /// <summary>Publishes some; gives back the ids that were acknowledged. Database errors are the caller's.</summary>
    Task<IReadOnlyList<long>> PublishAsync(int round);

    /// <summary>After the last fault: whatever the end of all work needs. Called again when the database fails.</summary>
    Task EndAsync();

    /// <summary>Answers of the database that contradict each other.</summary>
    IReadOnlyCollection<string> Contradictions { get; }
}
