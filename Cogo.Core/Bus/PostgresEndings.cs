using Cogo.Core.Audit;
using Cogo.Core.Pipeline;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Bus;

/// <summary>Ends one attempt on Postgres, in one transaction with what its outcome writes, publishes and audits.</summary>
internal sealed class PostgresEndings(NpgsqlDataSource database, BusOptions options, TimeProvider time)
{
    public async Task<Ended> EndAsync(long session, Delivery delivery, Outcome outcome, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await Publisher.SilenceTriggerAsync(connection, transaction, cancellationToken);
        var ending = await EndInAsync(connection, transaction, session, delivery, outcome, cancellationToken);
        if (ending == Ending.Fenced)
        {
            return new Ended(ending, []);
        }

        // The claim's row is locked by now: nobody can revoke it before this transaction ends.
        if (outcome.Write is { } write)
        {
            await write(transaction, cancellationToken);
        }

        await EventLog.AppendEndingAsync(connection, transaction, delivery, options.WorkerId, outcome.Events, cancellationToken);
        var messages = outcome.Publish.Select(message => message with { TraceId = message.TraceId ?? delivery.TraceId }).ToList();
        var appended = await Publisher.AppendAsync(connection, transaction, messages, time, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return new Ended(ending, appended.Lanes);
    }

    public async Task<Ending> HandBackAsync(long session, Delivery delivery, string reason, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await RetryAsync(connection, null, session, delivery, TimeSpan.Zero, reason, counts: false, cancellationToken);
    }

    private async Task<Ending> EndInAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, long session, Delivery delivery, Outcome outcome, CancellationToken cancellationToken)
    {
        switch (outcome)
        {
            case Outcome.Retry retry:
                return await RetryAsync(connection, transaction, session, delivery, retry.After, retry.Reason, retry.Counts, cancellationToken);

            case Outcome.Fail fail:
                await using (var command = Command(connection, transaction, "select public.cogo_fail($1, $2, $3, $4, $5, $6, $7)", session, delivery))
                {
                    command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = fail.Code });
                    command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Storable(fail.Reason) });
                    command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Word(fail.Verdict) });
                    command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = options.WorkerId });
                    return await command.ExecuteScalarAsync(cancellationToken) is true ? Ending.DeadLettered : Ending.Fenced;
                }

            default:
                await using (var command = Command(connection, transaction, "select message_id from public.cogo_finish($1, array[$2], array[$3])", session, delivery))
                {
                    return await command.ExecuteScalarAsync(cancellationToken) is long ? Ending.Accepted : Ending.Fenced;
                }
        }
    }

    private async Task<Ending> RetryAsync(
        NpgsqlConnection connection, NpgsqlTransaction? transaction, long session, Delivery delivery, TimeSpan? after, string reason, bool counts,
        CancellationToken cancellationToken)
    {
        await using var command = Command(connection, transaction, "select public.cogo_retry($1, $2, $3, $4, $5, $6, $7)", session, delivery);
        command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Interval, Value = (object?)after ?? DBNull.Value });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Storable(reason) });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = counts });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = options.WorkerId });
        return (await command.ExecuteScalarAsync(cancellationToken) as string) switch
        {
            "retried" => Ending.Accepted,
            "dead" => Ending.DeadLettered,
            _ => Ending.Fenced,
        };
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, NpgsqlTransaction? transaction, string sql, long session, Delivery delivery)
    {
        var command = new NpgsqlCommand(sql, connection, transaction);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = session });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = delivery.Fence });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = delivery.MessageId });
        return command;
    }

    /// <summary>Postgres text holds no NUL, and a reason is read by a person.</summary>
    private static string Storable(string reason)
    {
        var text = reason.Replace('\0', ' ');
        return text.Length <= 4000 ? text : string.Concat(text.AsSpan(0, 4000), "…");
    }

    private static string Word(Verdict verdict) => verdict switch
    {
        Verdict.Passed => "passed",
        Verdict.Failed => "failed",
        Verdict.Invalid => "invalid",
        _ => "infrastructure",
    };
}
