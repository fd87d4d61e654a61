using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Cogo.Core.Audit;
using Cogo.Core.Database;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Admin;

/// <summary>What an administrator asked for.</summary>
/// <param name="Action">Such as <c>notify</c>.</param>
/// <param name="Asked">All that tells this request from another of the same action; part of its fingerprint.</param>
/// <param name="Key">The Idempotency-Key; null: none.</param>
/// <param name="TraceId">Where it is audited.</param>
/// <param name="Address">Where it came from, for the audit.</param>
public sealed record AdminRequest(string Action, string Asked, string? Key, string TraceId, string? Address)
{
    internal string Fingerprint => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Action}\n{Asked}")));
}

/// <summary>What came of it.</summary>
/// <param name="Answer">Null: the key belongs to another request, and nothing was done.</param>
/// <param name="Duplicate">The request was carried out before; the answer is the first one's.</param>
public sealed record AdminResult<T>(T? Answer, bool Duplicate)
    where T : class;

/// <summary>Carries out requests of administrators: each in one transaction with its idempotency key and its audit event.</summary>
public sealed class AdminRequests(NpgsqlDataSource source, string worker)
{
    private const string Append = "insert into public.bus_events (trace_id, type, worker, data) values ($1, $2, $3, $4)";
    private const string Known = "select fingerprint, answer from public.admin_keys where key = $1";
    private const string Keep = "update public.admin_keys set answer = $2 where key = $1";

    private static readonly string Claim = SqlQuery.Load("claim_admin_key");

    /// <param name="act">Does it, and says what it did: the answer, and what the event tells beside action and address. No secret.</param>
    public async Task<AdminResult<T>> CarryOutAsync<T>(
        AdminRequest request, Func<NpgsqlTransaction, CancellationToken, Task<(T Answer, object Told)>> act, CancellationToken cancellationToken)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(act);
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (request.Key is not null && !await ClaimAsync(transaction, request, cancellationToken))
        {
            return await BeforeAsync<T>(transaction, request, cancellationToken);
        }

        var (answer, told) = await act(transaction, cancellationToken);
        await AppendAsync(transaction, EventTypes.AdminAction, request.TraceId, new { request.Action, request.Address, told }, cancellationToken);
        if (request.Key is not null)
        {
            await using var keep = Command(transaction, Keep);
            keep.Parameters.Add(new NpgsqlParameter<string> { TypedValue = request.Key });
            keep.Parameters.Add(Json(answer));
            await keep.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return new AdminResult<T>(answer, Duplicate: false);
    }

    /// <summary>Audits a request that came with a wrong token.</summary>
    /// <param name="operation">What was asked for, such as <c>POST /api/admin/notify</c>.</param>
    public async Task AuditRefusalAsync(string operation, string traceId, string? address, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await AppendAsync(transaction, EventTypes.AdminRefused, traceId, new { operation, address }, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task<bool> ClaimAsync(NpgsqlTransaction transaction, AdminRequest request, CancellationToken cancellationToken)
    {
        await using var claim = Command(transaction, Claim);
        claim.Parameters.Add(new NpgsqlParameter<string> { TypedValue = request.Key! });
        claim.Parameters.Add(new NpgsqlParameter<string> { TypedValue = request.Fingerprint });
        return await claim.ExecuteScalarAsync(cancellationToken) is string;
    }

    private static async Task<AdminResult<T>> BeforeAsync<T>(NpgsqlTransaction transaction, AdminRequest request, CancellationToken cancellationToken)
        where T : class
    {
        await using var known = Command(transaction, Known);
        known.Parameters.Add(new NpgsqlParameter<string> { TypedValue = request.Key! });
        await using var reader = await known.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken) || reader.GetString(0) != request.Fingerprint)
        {
            return new AdminResult<T>(null, Duplicate: false);
        }

        return new AdminResult<T>(JsonSerializer.Deserialize<T>(reader.GetString(1), CogoJson.Options), Duplicate: true);
    }

    private async Task AppendAsync(NpgsqlTransaction transaction, string type, string traceId, object data, CancellationToken cancellationToken)
    {
        await using var append = Command(transaction, Append);
        append.Parameters.Add(new NpgsqlParameter<string> { TypedValue = traceId });
        append.Parameters.Add(new NpgsqlParameter<string> { TypedValue = type });
        append.Parameters.Add(new NpgsqlParameter<string> { TypedValue = worker });
        append.Parameters.Add(Json(data));
        await append.ExecuteNonQueryAsync(cancellationToken);
    }

    private static NpgsqlCommand Command(NpgsqlTransaction transaction, string sql) => new(sql, transaction.Connection, transaction);

    // jsonb refuses \u0000.
    private static NpgsqlParameter Json(object data) => new()
    {
        NpgsqlDbType = NpgsqlDbType.Jsonb,
        Value = JsonSerializer.Serialize(data, CogoJson.Options).Replace("\\u0000", " ", StringComparison.Ordinal),
    };
}
