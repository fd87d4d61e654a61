using System.Collections.Concurrent;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Bus;

/// <summary>
/// Publishes a message and claims it for a subscription of the same process in one transaction, where that waits for
/// messages and has a handler free: one wait for the disk and no wake-up between publisher and handler.
/// </summary>
internal sealed class DirectPublish(StandingConnections connections, string origin)
{
    private readonly ConcurrentDictionary<Route, Subscription> _subscriptions = new();

    public void Add(Subscription subscription) => _subscriptions[subscription.Route] = subscription;

    /// <summary>Null when nobody here waits for messages of the route, or wants this one.</summary>
    public Reservation? TryReserve(OutgoingMessage message) =>
        _subscriptions.TryGetValue(message.Route, out var subscription) ? subscription.TryReserve(message) : null;

    /// <param name="rings">Whether the database is to wake other processes when the message could not be claimed.</param>
    /// <returns>Its id and lane, and whether it was claimed: else its subscribers are to be woken.</returns>
    public Task<(long Id, long Lane, bool Claimed)> PublishAsync(
        Reservation reservation, OutgoingMessage message, (string TraceId, string? TraceParent) trace, bool rings, CancellationToken cancellationToken)
    {
        // The publisher goes on elsewhere: the thread that reads the answer starts the handler, without waking another.
        var published = new TaskCompletionSource<(long Id, long Lane, bool Claimed)>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = RunAsync(published, reservation, message, trace, rings, cancellationToken);
        return published.Task;
    }

    private async Task RunAsync(
        TaskCompletionSource<(long Id, long Lane, bool Claimed)> published, Reservation reservation, OutgoingMessage message,
        (string TraceId, string? TraceParent) trace, bool rings, CancellationToken cancellationToken)
    {
        (long Id, long Lane, Delivery? Delivery) answer;
        try
        {
            answer = await SendAsync(reservation, message, trace, rings, cancellationToken);
        }
        catch (Exception e)
        {
            reservation.Doubt();
            published.SetException(e);
            return;
        }

        if (answer.Delivery is null)
        {
            reservation.Release();
            published.SetResult((answer.Id, answer.Lane, false));
        }
        else
        {
            published.SetResult((answer.Id, answer.Lane, true));
            reservation.Deliver(answer.Delivery);
        }
    }

    private async Task<(long Id, long Lane, Delivery? Delivery)> SendAsync(
        Reservation reservation, OutgoingMessage message, (string TraceId, string? TraceParent) trace, bool rings, CancellationToken cancellationToken)
    {
        await using var rented = await connections.RentAsync(cancellationToken);
        await using var publish = rented.Command("select * from public.cogo_publish_claimed($1, $2, $3, $4, $5, $6, $7, $8)");
        foreach (var text in new[] { message.Route.Service, message.Route.Role, message.Route.Shard, message.Payload, trace.TraceId, trace.TraceParent })
        {
            publish.Parameters.Add(Text(text));
        }

        publish.Parameters.Add(new NpgsqlParameter<long> { TypedValue = reservation.Session });
        publish.Parameters.Add(Text(rings ? origin : null));
        await rented.PrepareAsync(publish, cancellationToken);
        await using var reader = await publish.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var id = reader.GetInt64(0);
        var lane = reader.GetInt64(1);
        var delivery = reader.IsDBNull(2) ? null : Read(reader, id, message.Route, trace);
        // To the end of the answer: an error of the commit comes there.
        await reader.ReadAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        return (id, lane, delivery);
    }

    private static Delivery Read(NpgsqlDataReader reader, long id, Route route, (string TraceId, string? TraceParent) trace) => new()
    {
        Fence = reader.GetInt64(2),
        MessageId = id,
        Route = route,
        Payload = reader.GetString(3),
        TraceId = trace.TraceId,
        TraceParent = trace.TraceParent,
        IdempotencyKey = $"message:{id}",
        Priority = 0,
        Attempt = 1,
        MaxAttempts = reader.GetInt16(4),
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(5),
    };

    private static NpgsqlParameter Text(string? value) =>
        new() { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)value ?? DBNull.Value };
}
