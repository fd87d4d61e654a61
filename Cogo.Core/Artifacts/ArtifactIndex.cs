using Cogo.Core.Database;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Artifacts;

/// <summary>A row of <c>public.artifacts</c>.</summary>
/// <param name="Path"><c>&lt;task&gt;/&lt;stage&gt;/&lt;name&gt;</c>, as served below <c>/artifacts/</c>.</param>
/// <param name="Storage">Where the bytes are: <c>local</c> or <c>s3</c>.</param>
/// <param name="ObjectKey">The object that holds them; null where the path alone says it.</param>
public sealed record ArtifactRow(
    string Path,
    string? TaskId,
    string? TraceId,
    long Bytes,
    string Sha256,
    string ContentType,
    string Storage,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    string? ObjectKey = null);

/// <summary>Artifacts, newest first. <paramref name="NextCursor"/> asks for the next page; null on the last one.</summary>
public sealed record ArtifactPage(IReadOnlyList<ArtifactRow> Artifacts, string? NextCursor);

/// <summary>Reads <c>public.artifacts</c>.</summary>
public sealed class ArtifactIndex(NpgsqlDataSource source)
{
    private const string Cursors = "artifacts";

    /// <summary>Null when there is no such row.</summary>
    public async Task<ArtifactRow?> FindAsync(string path, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        return await FindAsync(connection, path, cancellationToken);
    }

    /// <summary>As <see cref="FindAsync(string, CancellationToken)"/>, but waits for whoever is replacing the artifact at this moment.</summary>
    public async Task<ArtifactRow?> FindSettledAsync(string path, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var wait = new NpgsqlCommand(ArtifactQueries.Await, connection, transaction))
        {
            wait.Parameters.Add(new NpgsqlParameter<string> { TypedValue = path });
            await wait.ExecuteNonQueryAsync(cancellationToken);
        }

        return await FindAsync(connection, path, cancellationToken);
    }

    /// <summary>Lists newest first; <paramref name="cursor"/> is the <see cref="ArtifactPage.NextCursor"/> of the page before.</summary>
    /// <exception cref="CursorException">The cursor is not one of this list.</exception>
    public async Task<ArtifactPage> ListAsync(string? taskId, int limit, string? cursor, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        var (createdAt, path) = ReadCursor(cursor);
        await using var command = source.CreateCommand(ArtifactQueries.List);
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)taskId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)createdAt ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)path ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = limit + 1L });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<ArtifactRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(Read(reader));
        }

        // One row more than asked for says that there is another page.
        if (rows.Count <= limit)
        {
            return new ArtifactPage(rows, null);
        }

        rows.RemoveAt(limit);
        return new ArtifactPage(rows, WriteCursor(rows[^1]));
    }

    /// <summary>Artifacts whose own time is over, or that are older than <paramref name="age"/>; the oldest first.</summary>
    public async Task<IReadOnlyList<ArtifactRow>> ListExpiredAsync(TimeSpan age, int limit, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(ArtifactQueries.ListExpired);
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = age });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<ArtifactRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(Read(reader));
        }

        return rows;
    }

    private static string WriteCursor(ArtifactRow row) => PageCursor.Write(Cursors, PageCursor.Of(row.CreatedAt), row.Path);

    private static (DateTimeOffset? CreatedAt, string? Path) ReadCursor(string? cursor) => PageCursor.Read(cursor, Cursors, 2) switch
    {
        null => (null, null),
        [var createdAt, var path] when ArtifactPath.IsValid(path) => (PageCursor.Time(createdAt), path),
        _ => throw new CursorException(),
    };

    internal static async Task<ArtifactRow?> FindAsync(NpgsqlConnection connection, string path, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ArtifactQueries.Find, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = path });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? Read(reader) : null;
    }

    private static ArtifactRow Read(NpgsqlDataReader reader) => new(
        reader.GetString(0),
        reader.IsDBNull(1) ? null : reader.GetString(1),
        reader.IsDBNull(2) ? null : reader.GetString(2),
        reader.GetInt64(3),
        reader.GetString(4),
        reader.GetString(5),
        reader.GetString(6),
        reader.GetFieldValue<DateTimeOffset>(7),
        reader.IsDBNull(8) ? null : reader.GetFieldValue<DateTimeOffset>(8),
        reader.IsDBNull(9) ? null : reader.GetString(9));
}
