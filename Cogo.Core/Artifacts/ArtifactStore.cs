using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Artifacts;

/// <summary>
/// What all storages have in common. The bytes are staged where nobody looks; then, with everybody else held off this one
/// path, they are put in place and the row is written. Of two writers at once one is last, in storage and row alike.
/// </summary>
public abstract class ArtifactStore : IArtifactStore
{
    private readonly NpgsqlDataSource _source;
    private readonly TimeSpan? _timeToLive;
    private readonly ArtifactIndex _index;

    private protected ArtifactStore(NpgsqlDataSource source, TimeSpan? timeToLive)
    {
        _source = source;
        _timeToLive = timeToLive;
        _index = new ArtifactIndex(source);
    }

    /// <summary>What the rows of this store say under <c>storage</c>.</summary>
    public abstract string Storage { get; }

    /// <summary>Another storage, whose rows are still read and deleted: where artifacts were kept before.</summary>
    public ArtifactStore? Before { get; init; }

    /// <inheritdoc/>
    public async Task<Artifact> SaveAsync(string path, Stream content, ArtifactContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(context);
        ArtifactPath.ThrowIfInvalid(path);
        await using var staged = await StageAsync(path, content, context, cancellationToken);
        (string Storage, string? ObjectKey)? replaced;
        await using (var connection = await _source.OpenConnectionAsync(cancellationToken))
        await using (var transaction = await connection.BeginTransactionAsync(cancellationToken))
        {
            await LockAsync(connection, path, cancellationToken);
            await staged.PublishAsync(connection, cancellationToken);
            replaced = await UpsertAsync(connection, path, staged, context, cancellationToken);
            if (replaced is { ObjectKey: { } key } old)
            {
                await NoteLeftoverAsync(connection, old.Storage, key, null, cancellationToken);
            }

            // From here on it may count, whatever becomes of the answer.
            staged.Keep();
            await transaction.CommitAsync(cancellationToken);
        }

        if (replaced is { ObjectKey: { } obsolete } before && before.Storage == Storage)
        {
            await DiscardAsync(obsolete, null, cancellationToken);
        }
        else if (replaced?.Storage is { } elsewhere && elsewhere != Storage && elsewhere == Before?.Storage)
        {
            await Before.DeleteContentAsync(path, replaced?.ObjectKey, cancellationToken);
        }

        return new Artifact(path, staged.Bytes, staged.Sha256);
    }

    /// <inheritdoc/>
    public async Task<OpenArtifact?> ReadAsync(string path, CancellationToken cancellationToken)
    {
        ArtifactPath.ThrowIfInvalid(path);
        // Where the bytes are gone, another writer may have replaced them since the row was read.
        for (var row = await _index.FindAsync(path, cancellationToken); row is not null;)
        {
            if (await StoreOf(row.Storage, path).OpenContentAsync(row, cancellationToken) is { } content)
            {
                var checksum = row.Sha256;
                return new OpenArtifact(row, new VerifiedStream(content, path, async (seen, again) =>
                    seen == checksum || (await _index.FindSettledAsync(path, again))?.Sha256 == seen));
            }

            var now = await _index.FindSettledAsync(path, cancellationToken);
            row = now?.ObjectKey == row.ObjectKey ? null : now;
        }

        return null;
    }

    /// <inheritdoc/>
    public async Task<Stream?> OpenAsync(string path, CancellationToken cancellationToken) => (await ReadAsync(path, cancellationToken))?.Content;

    /// <inheritdoc/>
    public async Task<bool> DeleteAsync(string path, bool content, CancellationToken cancellationToken)
    {
        ArtifactPath.ThrowIfInvalid(path);
        await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await LockAsync(connection, path, cancellationToken);
        var row = await ArtifactIndex.FindAsync(connection, path, cancellationToken);
        var deleted = content && row is not null && await StoreOf(row.Storage, path).DeleteContentAsync(path, row.ObjectKey, cancellationToken);
        await using (var forget = new NpgsqlCommand(ArtifactQueries.Delete, connection))
        {
            forget.Parameters.Add(new NpgsqlParameter<string> { TypedValue = path });
            await forget.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return deleted;
    }

    /// <inheritdoc/>
    public async Task<SignedLink?> LinkAsync(ArtifactRow row, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(row);
        var store = row.Storage == Storage ? this : Before?.Storage == row.Storage ? Before : null;
        return store is null ? null : await store.LinkContentAsync(row, cancellationToken);
    }

    /// <inheritdoc/>
    public virtual Task CheckAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Removes bytes older than <paramref name="age"/> that no artifact names. Returns how many files there were.</summary>
    public async Task<int> RemoveLeftoversAsync(TimeSpan age, int limit, CancellationToken cancellationToken)
    {
        var found = new List<(string Key, string? Upload)>();
        await using (var command = _source.CreateCommand(ArtifactQueries.ListLeftovers))
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Storage });
            command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = age });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                found.Add((reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetString(1)));
            }
        }

        var removed = 0;
        foreach (var (key, upload) in found)
        {
            removed += await DiscardAsync(key, upload, cancellationToken) ? 1 : 0;
        }

        return removed;
    }

    /// <summary>Writes the stream to where no reader looks, counting and hashing it.</summary>
    private protected abstract Task<StagedContent> StageAsync(string path, Stream content, ArtifactContext context, CancellationToken cancellationToken);

    /// <summary>Null when the bytes are not there. The stream knows its length and can seek.</summary>
    private protected abstract Task<Stream?> OpenContentAsync(ArtifactRow row, CancellationToken cancellationToken);

    private protected abstract Task<bool> DeleteContentAsync(string path, string? key, CancellationToken cancellationToken);

    private protected virtual Task<SignedLink?> LinkContentAsync(ArtifactRow row, CancellationToken cancellationToken) => Task.FromResult<SignedLink?>(null);

    /// <summary>Removes an object that no artifact names. False when the storage would not: it stays written down for the clean-up.</summary>
    private protected virtual Task<bool> DiscardAsync(string key, string? upload, CancellationToken cancellationToken) => Task.FromResult(false);

    /// <summary>Writes down an object that no artifact names, or not yet; outside of any transaction.</summary>
    private protected async Task NoteLeftoverAsync(string key, string? upload, CancellationToken cancellationToken)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        await NoteLeftoverAsync(connection, Storage, key, upload, cancellationToken);
    }

    private protected async Task StrikeLeftoverAsync(string key, CancellationToken cancellationToken)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        await StrikeLeftoverAsync(connection, key, cancellationToken);
    }

    private protected async Task StrikeLeftoverAsync(NpgsqlConnection connection, string key, CancellationToken cancellationToken)
    {
        await using var strike = new NpgsqlCommand(ArtifactQueries.StrikeLeftover, connection);
        strike.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Storage });
        strike.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
        await strike.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task NoteLeftoverAsync(NpgsqlConnection connection, string storage, string key, string? upload, CancellationToken cancellationToken)
    {
        await using var note = new NpgsqlCommand(ArtifactQueries.NoteLeftover, connection);
        note.Parameters.Add(new NpgsqlParameter<string> { TypedValue = storage });
        note.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
        note.Parameters.Add(new NpgsqlParameter { Value = (object?)upload ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        await note.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task LockAsync(NpgsqlConnection connection, string path, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ArtifactQueries.Lock, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = path });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private ArtifactStore StoreOf(string storage, string path) =>
        storage == Storage ? this
        : Before?.Storage == storage ? Before
        : throw new ArtifactStorageException(storage == S3.S3ArtifactStore.StorageName
            ? $"The artifact {path} is kept in S3, and this program is not told where that is: set ARTIFACTS_S3_BUCKET and what goes with it."
            : $"The artifact {path} is kept in '{storage}', which this version of Cogo does not know: run the version that wrote it.");

    private async Task<(string Storage, string? ObjectKey)?> UpsertAsync(
        NpgsqlConnection connection, string path, StagedContent staged, ArtifactContext context, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ArtifactQueries.Upsert, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = path });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = context.TaskId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = context.TraceId });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = staged.Bytes });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = staged.Sha256 });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = context.ContentType });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Storage });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)_timeToLive ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Interval });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)staged.ObjectKey ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetString(1)) : null;
    }
}
