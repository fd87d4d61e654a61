using System.Diagnostics;
using Npgsql;

namespace Cogo.Benchmarks.Contestants;

/// <summary>How many messages are durably acknowledged, as the database says.</summary>
internal sealed class AcknowledgedCount(NpgsqlConnection connection) : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(20);

    private long _fromClaim;

    public static async Task<AcknowledgedCount> OpenAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var count = new AcknowledgedCount(await database.OpenConnectionAsync(cancellationToken));
        await count.RestartAsync(cancellationToken);
        return count;
    }

    /// <summary>Counts from the claims made after this on.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await using var ask = new NpgsqlCommand("select coalesce(max(claim_id), 0) from public.bus_claims", connection);
        _fromClaim = (long)(await ask.ExecuteScalarAsync(cancellationToken))!;
    }

    public async Task<long> ReadAsync(CancellationToken cancellationToken)
    {
        await using var ask = new NpgsqlCommand("select coalesce(sum(cardinality(ids)), 0)::bigint from public.bus_acks where claim_id > $1", connection);
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = _fromClaim });
        return (long)(await ask.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Waits for exactly so many.</summary>
    /// <exception cref="TimeoutException">They were not acknowledged within 20 minutes.</exception>
    /// <exception cref="InvalidOperationException">More were acknowledged than published.</exception>
    public async Task UntilAsync(long messages, CancellationToken cancellationToken)
    {
        if (await UntilAtLeastAsync(messages, cancellationToken) is var acknowledged && acknowledged > messages)
        {
            throw new InvalidOperationException($"{acknowledged} messages were acknowledged and {messages} published: some were delivered twice.");
        }
    }

    /// <summary>Waits for so many or more; returns how many.</summary>
    /// <exception cref="TimeoutException">They were not acknowledged within 20 minutes.</exception>
    public async Task<long> UntilAtLeastAsync(long messages, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var acknowledged = await ReadAsync(cancellationToken);
            if (acknowledged >= messages)
            {
                return acknowledged;
            }

            if (clock.Elapsed > Limit)
            {
                throw new TimeoutException($"{acknowledged} of {messages} messages were acknowledged within {Limit}.");
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
