using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>Claims the next messages of a lane for a session.</summary>
internal sealed class Claimer(NpgsqlDataSource database)
{
    /// <summary>SQLSTATE that <c>cogo_claim</c> raises when the session has ended.</summary>
    public const string SessionEnded = "CG001";

    /// <summary>The lane of a route; asked once a subscription.</summary>
    public async Task<long> LaneAsync(Route route, CancellationToken cancellationToken)
    {
        await using var ask = database.CreateCommand("select public.cogo_lane($1, $2, $3)");
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = route.Service });
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = route.Role });
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = route.Shard });
        return (long)(await ask.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <exception cref="PostgresException">With <see cref="SessionEnded"/>: the session is void.</exception>
    public async Task<List<Held>> ClaimAsync(long lane, Route route, WorkerSession session, int limit, CancellationToken cancellationToken)
    {
        var held = new List<Held>();
        var begun = session.Claims.Begin();
        try
        {
            await using var claim = database.CreateCommand("select * from public.cogo_claim($1, $2, $3)");
            claim.Parameters.Add(new NpgsqlParameter<long> { TypedValue = lane });
            claim.Parameters.Add(new NpgsqlParameter<long> { TypedValue = session.Id });
            claim.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
            await using var reader = await claim.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                held.Add(new Held(Read(reader, route), session));
            }
        }
        catch
        {
            // It may stand in the database all the same: the session's next heartbeats look for it.
            session.Claims.Doubt(begun);
            throw;
        }

        session.Claims.End(begun, held.Count > 0 ? held[0].Delivery.Fence : 0, held.Count);
        return held;
    }

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
