using Cogo.Core.Audit;
using Cogo.Core.Pipeline;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Bus;

/// <summary>
/// Ends attempts: acknowledges, retries, fails or hands back, each under the fence, together with what the
/// outcome publishes and audits.
/// </summary>
internal sealed partial class Ender(
    NpgsqlDataSource database, BusOptions options, Acknowledger acknowledger, Publisher publisher, Bell bell, TimeProvider time, ILogger logger)
{
    public async Task<Ending> EndAsync(Held held, Outcome outcome)
    {
        var ending = outcome is Outcome.Done { Publish.Count: 0, Events.Count: 0 }
            ? await acknowledger.AcknowledgeAsync(held)
            : await EndWithEffectsAsync(held, outcome);
        if (ending == Ending.Fenced)
        {
            LogFenced(held.Delivery.MessageId, held.Delivery.Fence);
        }

        return ending;
    }

    /// <summary>Gives the message back at once; the attempt does not count.</summary>
    public async Task HandBackAsync(Held held, string reason)
    {
        await Persistence.UntilLostAsync(held.Session, time, e => LogTryAgain(e, held.Delivery.MessageId), async cancellationToken =>
        {
            await using var connection = await database.OpenConnectionAsync(cancellationToken);
            await RetryAsync(connection, null, held, TimeSpan.Zero, reason, counts: false, cancellationToken);
        });
    }

    private async Task<Ending> EndWithEffectsAsync(Held held, Outcome outcome)
    {
        var ending = Ending.Fenced;
        await Persistence.UntilLostAsync(held.Session, time, e => LogTryAgain(e, held.Delivery.MessageId), async cancellationToken =>
            ending = await WriteAsync(held, outcome, cancellationToken));
        return ending;
    }

    private async Task<Ending> WriteAsync(Held held, Outcome outcome, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await Publisher.SilenceTriggerAsync(connection, transaction, cancellationToken);
        // Order of the trace: what the attempt says of itself first, then how it ended.
        var ending = await EndInAsync(connection, transaction, held, outcome, cancellationToken);
        if (ending == Ending.Fenced)
        {
            return ending;
        }

        await EventLog.AppendAsync(connection, transaction, held.Delivery, options.WorkerId, outcome.Events, cancellationToken);
        var messages = outcome.Publish.Select(message => message with { TraceId = message.TraceId ?? held.Delivery.TraceId }).ToList();
        var appended = await publisher.AppendAsync(connection, transaction, messages, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        bell.Ring(appended.Lanes);
        return ending;
    }

    private async Task<Ending> EndInAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, Held held, Outcome outcome, CancellationToken cancellationToken)
    {
        switch (outcome)
        {
            case Outcome.Retry retry:
                return await RetryAsync(connection, transaction, held, retry.After, retry.Reason, counts: true, cancellationToken);

            case Outcome.Fail fail:
                await using (var command = Command(connection, transaction, "select public.cogo_fail($1, $2, $3, $4, $5, $6, $7)", held))
                {
                    command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = fail.Code });
                    command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Storable(fail.Reason) });
                    command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Word(fail.Verdict) });
                    command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = options.WorkerId });
                    return await command.ExecuteScalarAsync(cancellationToken) is true ? Ending.DeadLettered : Ending.Fenced;
                }

            default:
                await using (var command = Command(connection, transaction, "select message_id from public.cogo_finish($1, array[$2], array[$3])", held))
                {
                    return await command.ExecuteScalarAsync(cancellationToken) is long ? Ending.Accepted : Ending.Fenced;
                }
        }
    }

    private async Task<Ending> RetryAsync(
        NpgsqlConnection connection, NpgsqlTransaction? transaction, Held held, TimeSpan? after, string reason, bool counts, CancellationToken cancellationToken)
    {
        await using var command = Command(connection, transaction, "select public.cogo_retry($1, $2, $3, $4, $5, $6, $7)", held);
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

    private static NpgsqlCommand Command(NpgsqlConnection connection, NpgsqlTransaction? transaction, string sql, Held held)
    {
        var command = new NpgsqlCommand(sql, connection, transaction);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = held.Session.Id });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = held.Delivery.Fence });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = held.Delivery.MessageId });
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

    [LoggerMessage(EventId = 1030, Level = LogLevel.Warning, Message = "Message {Message} was fenced off: claim {Fence} no longer holds it, and what this attempt did is discarded")]
    private partial void LogFenced(long message, long fence);

    [LoggerMessage(EventId = 1031, Level = LogLevel.Warning, Message = "The end of message {Message} could not be written; trying again while the lease holds")]
    private partial void LogTryAgain(Exception error, long message);
}
