using System.Diagnostics;
using Cogo.Core.Database;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Bus;

/// <summary>
/// Publishes one message or many. Messages of one call become visible together, and are delivered in the order
/// given as far as routes have one subscriber with a concurrency of one.
/// </summary>
public sealed class Publisher : IPublisher
{
    private static readonly string PublishMany = SqlQuery.Load("publish_messages");
    private static readonly string PublishKeyed = SqlQuery.Load("publish_keyed_message");

    /// <summary>A function, since its plan is kept, and it silences the trigger itself.</summary>
    private const string PublishPlain = "select id, lane from public.cogo_publish($1, $2, $3, $4, $5, $6, $7)";

    private const string SilenceTrigger = "select set_config('cogo.bell', 'off', true)";

    private readonly StandingConnections _connections;
    private readonly BusOptions _options;
    private readonly Bell _bell;
    private readonly DirectPublish _direct;
    private readonly string _origin;
    private readonly TimeProvider _time;

    /// <param name="origin">Signs the bells, as <see cref="BellListener"/> knows them.</param>
    internal Publisher(StandingConnections connections, BusOptions options, Bell bell, DirectPublish direct, string origin, TimeProvider time)
    {
        _direct = direct;
        _origin = origin;
        _connections = connections;
        _options = options;
        _bell = bell;
        _time = time;
    }

    /// <inheritdoc />
    public async Task<PublishReceipt> PublishAsync(OutgoingMessage message, CancellationToken cancellationToken) =>
        (await PublishAsync([message], cancellationToken))[0];

    /// <summary>Publishes all or none. Receipts come in the order of the messages.</summary>
    /// <inheritdoc cref="IPublisher.PublishAsync" path="/exception" />
    public async Task<IReadOnlyList<PublishReceipt>> PublishAsync(IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(messages);
        Check(messages);
        if (messages.Count > 0 && messages.All(static message => message.IdempotencyKey is null))
        {
            return await PublishAtOnceAsync(messages, cancellationToken);
        }

        await using var rented = await _connections.RentAsync(cancellationToken);
        await using var transaction = await rented.Connection.BeginTransactionAsync(cancellationToken);
        await SilenceTriggerAsync(rented.Connection, transaction, cancellationToken);
        var appended = await AppendAsync(rented.Connection, transaction, messages, _time, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        _bell.Ring(appended.Lanes);
        return appended.Receipts;
    }

    /// <summary>
    /// Publishes inside the caller's transaction: the messages exist when and if it commits, and the database
    /// wakes the subscribers at that moment.
    /// </summary>
    /// <inheritdoc cref="IPublisher.PublishAsync" path="/exception" />
    public async Task<IReadOnlyList<PublishReceipt>> PublishAsync(
        NpgsqlTransaction transaction, IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(messages);
        Check(messages);
        var connection = transaction.Connection
            ?? throw new ArgumentException("The transaction has ended: publish before it commits.", nameof(transaction));
        return (await AppendAsync(connection, transaction, messages, _time, cancellationToken)).Receipts;
    }

    /// <summary>Without keys there is nothing to decide midway: one round trip, which is one transaction.</summary>
    private async Task<IReadOnlyList<PublishReceipt>> PublishAtOnceAsync(IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellationToken)
    {
        using var activity = StartActivity(messages);
        var traces = new (string TraceId, string? TraceParent)[messages.Count];
        for (var i = 0; i < traces.Length; i++)
        {
            traces[i] = TraceContext.Current(messages[i].TraceId, _time);
        }

        var plain = messages.All(static message => message is { Tenant: null, Priority: 0, MaxAttempts: null, Delay: null, TimeToLive: null });
        var rings = plain && _bell.TakeTurnWithPublish();
        try
        {
            return await SendAtOnceAsync(messages, traces, plain, rings, cancellationToken);
        }
        catch (PostgresException e) when (StandingConnections.WasReplaced(e))
        {
            return await SendAtOnceAsync(messages, traces, plain, rings, cancellationToken);
        }
        finally
        {
            if (rings)
            {
                _bell.EndTurnWithPublish();
            }
        }
    }

    private async Task<IReadOnlyList<PublishReceipt>> SendAtOnceAsync(
        IReadOnlyList<OutgoingMessage> messages, (string TraceId, string? TraceParent)[] traces, bool plain, bool rings, CancellationToken cancellationToken)
    {
        if (plain && messages.Count == 1 && _direct.TryReserve(messages[0]) is { } reservation)
        {
            var (id, lane, claimed) = await _direct.PublishAsync(reservation, messages[0], traces[0], rings, cancellationToken);
            if (!claimed)
            {
                Wake([lane], rings);
            }

            return [new PublishReceipt(id, traces[0].TraceId, Duplicate: false)];
        }

        var receipts = new PublishReceipt[messages.Count];
        var lanes = new HashSet<long>();
        await using (var rented = await _connections.RentAsync(cancellationToken))
        await using (var batch = rented.Connection.CreateBatch())
        {
            var insert = Insert(messages, traces, plain);
            if (plain)
            {
                insert.Parameters.Add(Text(rings ? _origin : null));
            }
            else
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand(SilenceTrigger));
            }

            batch.BatchCommands.Add(insert);
            await rented.PrepareAsync(batch, cancellationToken);
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            if (batch.BatchCommands.Count > 1)
            {
                await reader.NextResultAsync(cancellationToken);
            }

            await ReadReceiptsAsync(reader, Enumerable.Range(0, receipts.Length), traces, receipts, lanes, cancellationToken);
        }

        Wake(lanes, rings);
        return receipts;
    }

    /// <param name="rang">The NOTIFY went with the commit.</param>
    private void Wake(IEnumerable<long> lanes, bool rang)
    {
        if (rang)
        {
            _bell.Rang(lanes);
        }
        else
        {
            _bell.Ring(lanes);
        }
    }

    /// <summary>The insert trigger would NOTIFY at commit, which serialises commits; the bell does it after, debounced.</summary>
    internal static async Task SilenceTriggerAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        await using var silence = new NpgsqlCommand(SilenceTrigger, connection, transaction);
        await silence.ExecuteNonQueryAsync(cancellationToken);
    }

    internal static async Task<(IReadOnlyList<PublishReceipt> Receipts, IReadOnlyCollection<long> Lanes)> AppendAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<OutgoingMessage> messages, TimeProvider time, CancellationToken cancellationToken)
    {
        using var activity = StartActivity(messages);
        var receipts = new PublishReceipt[messages.Count];
        var lanes = new HashSet<long>();
        var ordinary = new List<int>(messages.Count);
        var traces = new (string TraceId, string? TraceParent)[messages.Count];
        for (var i = 0; i < messages.Count; i++)
        {
            traces[i] = TraceContext.Current(messages[i].TraceId, time);
            if (messages[i].IdempotencyKey is null)
            {
                ordinary.Add(i);
            }
            else
            {
                receipts[i] = await AppendKeyedAsync(connection, transaction, messages[i], traces[i], lanes, cancellationToken);
            }
        }

        if (ordinary.Count > 0)
        {
            await AppendOrdinaryAsync(connection, transaction, messages, ordinary, traces, receipts, lanes, cancellationToken);
        }

        return (receipts, lanes);
    }

    private static async Task AppendOrdinaryAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<OutgoingMessage> messages, List<int> which,
        (string TraceId, string? TraceParent)[] traces, PublishReceipt[] receipts, HashSet<long> lanes, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection, transaction);
        batch.BatchCommands.Add(Insert([.. which.Select(i => messages[i])], [.. which.Select(i => traces[i])], plain: false));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await ReadReceiptsAsync(reader, which, traces, receipts, lanes, cancellationToken);
    }

    private static NpgsqlBatchCommand Insert(IReadOnlyList<OutgoingMessage> messages, (string TraceId, string? TraceParent)[] traces, bool plain)
    {
        var insert = new NpgsqlBatchCommand(plain ? PublishPlain : PublishMany);
        insert.Parameters.Add(Array(messages, static message => message.Route.Service));
        insert.Parameters.Add(Array(messages, static message => message.Route.Role));
        insert.Parameters.Add(Array(messages, static message => message.Route.Shard));
        if (!plain)
        {
            insert.Parameters.Add(Array(messages, static message => message.Tenant));
        }

        insert.Parameters.Add(Array(messages, static message => message.Payload));
        insert.Parameters.Add(Array(traces, static trace => trace.TraceId));
        insert.Parameters.Add(Array(traces, static trace => trace.TraceParent));
        if (!plain)
        {
            insert.Parameters.Add(Array(messages, static message => (short)message.Priority));
            insert.Parameters.Add(Array(messages, static message => (short?)message.MaxAttempts));
            insert.Parameters.Add(Array(messages, static message => message.Delay));
            insert.Parameters.Add(Array(messages, static message => message.TimeToLive));
        }

        return insert;
    }

    /// <summary>Reads to the end of the answer: an error of the commit comes there.</summary>
    private static async Task ReadReceiptsAsync(
        NpgsqlDataReader reader, IEnumerable<int> places, (string TraceId, string? TraceParent)[] traces, PublishReceipt[] receipts,
        HashSet<long> lanes, CancellationToken cancellationToken)
    {
        foreach (var i in places)
        {
            await reader.ReadAsync(cancellationToken);
            receipts[i] = new PublishReceipt(reader.GetInt64(0), traces[i].TraceId, Duplicate: false);
            lanes.Add(reader.GetInt64(1));
        }

        while (await reader.ReadAsync(cancellationToken) || await reader.NextResultAsync(cancellationToken))
        {
            // Nothing more is expected.
        }
    }

    private static Activity? StartActivity(IReadOnlyList<OutgoingMessage> messages) =>
        messages.Count > 0 && CogoTelemetry.Source.HasListeners()
            ? CogoTelemetry.Source.StartActivity($"publish {messages[0].Route}", ActivityKind.Producer)?
                .SetTag("messaging.system", "cogo").SetTag("messaging.batch.message_count", messages.Count)
            : null;

    private static async Task<PublishReceipt> AppendKeyedAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, OutgoingMessage message,
        (string TraceId, string? TraceParent) trace, HashSet<long> lanes, CancellationToken cancellationToken)
    {
        await using var insert = new NpgsqlCommand(PublishKeyed, connection, transaction);
        insert.Parameters.Add(Text(message.Route.Service));
        insert.Parameters.Add(Text(message.Route.Role));
        insert.Parameters.Add(Text(message.Route.Shard));
        insert.Parameters.Add(Text(message.Tenant));
        insert.Parameters.Add(Text(message.Payload));
        insert.Parameters.Add(Text(trace.TraceId));
        insert.Parameters.Add(Text(trace.TraceParent));
        insert.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)message.Priority });
        insert.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Smallint, Value = (object?)(short?)message.MaxAttempts ?? DBNull.Value });
        insert.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Interval, Value = (object?)message.Delay ?? DBNull.Value });
        insert.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Interval, Value = (object?)message.TimeToLive ?? DBNull.Value });
        insert.Parameters.Add(Text(message.IdempotencyKey));
        insert.Parameters.Add(Text(message.Fingerprint));
        await using var reader = await insert.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var id = reader.GetInt64(0);
        if (!reader.GetBoolean(3))
        {
            throw new IdempotencyConflictException(message.IdempotencyKey!, message.Route, id);
        }

        lanes.Add(reader.GetInt64(1));
        return new PublishReceipt(id, reader.GetString(4), Duplicate: !reader.GetBoolean(2));
    }

    private void Check(IReadOnlyList<OutgoingMessage> messages)
    {
        foreach (var message in messages)
        {
            MessageRules.Check(message, _options.PayloadLimitBytes);
        }
    }

    private static NpgsqlParameter<TValue[]> Array<TItem, TValue>(IReadOnlyList<TItem> items, Func<TItem, TValue> pick)
    {
        var values = new TValue[items.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = pick(items[i]);
        }

        return new NpgsqlParameter<TValue[]> { TypedValue = values };
    }

    private static NpgsqlParameter Text(string? value) =>
        new() { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)value ?? DBNull.Value };
}
