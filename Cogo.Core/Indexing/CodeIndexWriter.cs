using Cogo.Core.Database;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Indexing;

/// <summary>The row of a repository: what its last indexing that came to an end found.</summary>
internal sealed record RepositoryRow(long Id, string? TreeKey, string? Commit, int Files, long Lines, long Symbols, long Names, int Skipped);

/// <summary>
/// Writes the index. A run holds its repository by a lease that every transaction renews, so of two runs at most one
/// writes; what a run that died has written counts, for each file's rows are true by themselves.
/// </summary>
internal sealed class CodeIndexWriter(NpgsqlDataSource source)
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(2);

    private static readonly string Open = SqlQuery.Load("open_code_repository");
    private static readonly string Begin = SqlQuery.Load("begin_code_indexing");
    private static readonly string Hold = SqlQuery.Load("hold_code_indexing");
    private static readonly string Leave = SqlQuery.Load("leave_code_indexing");
    private static readonly string End = SqlQuery.Load("end_code_indexing");
    private static readonly string NoteCommit = SqlQuery.Load("note_code_commit");
    private static readonly string Known = SqlQuery.Load("known_code_files");
    private static readonly string Delete = SqlQuery.Load("delete_code_files");

    public async Task<RepositoryRow> OpenAsync(string location, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Open);
        Add(command, location);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new RepositoryRow(
            reader.GetInt64(0), reader.IsDBNull(1) ? null : reader.GetString(1), reader.IsDBNull(2) ? null : reader.GetString(2),
            reader.GetInt32(3), reader.GetInt64(4), reader.GetInt64(5), reader.GetInt64(6), reader.GetInt32(7));
    }

    /// <exception cref="IndexBusyException">Another run has it.</exception>
    public async Task BeginAsync(long repository, Guid run, string location, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Begin);
        Add(command, repository);
        Add(command, run);
        Add(command, Lease);
        if (await command.ExecuteNonQueryAsync(cancellationToken) == 0)
        {
            throw new IndexBusyException($"{location} is being indexed already: wait for that to end, which is at once when its worker died {Lease.TotalMinutes:0} minutes ago.");
        }
    }

    public async Task LeaveAsync(long repository, Guid run, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Leave);
        Add(command, repository);
        Add(command, run);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task NoteCommitAsync(long repository, string treeKey, string commit, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(NoteCommit);
        Add(command, repository);
        Add(command, treeKey);
        Add(command, commit);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Path and stamp of every file in the index.</summary>
    public async Task<Dictionary<string, string>> KnownAsync(long repository, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Known);
        Add(command, repository);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken))
            known.Add(reader.GetString(0), reader.GetString(1));
        return known;
    }

    /// <summary>Puts files in place of what is known of their paths, in one transaction.</summary>
    public async Task ReplaceAsync(long repository, Guid run, IReadOnlyList<(FileFacts Facts, string Stamp)> files, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await HoldAsync(connection, repository, run, cancellationToken);
        await DeleteAsync(connection, repository, [.. files.Select(file => file.Facts.File.Path)], cancellationToken);
        var ids = await IdsAsync(connection, files.Count, cancellationToken);
        await CodeCopy.FilesAsync(connection, repository, ids, files, cancellationToken);
        await CodeCopy.SymbolsAsync(connection, repository, ids, files, cancellationToken);
        await CodeCopy.ReferencesAsync(connection, repository, ids, files, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Forgets what is gone and says that all of the tree is indexed.</summary>
    public async Task<(int Files, long Lines, long Symbols, long Names)> EndAsync(
        long repository, Guid run, string treeKey, string commit, int skipped, IReadOnlyList<string> gone, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await HoldAsync(connection, repository, run, cancellationToken);
        await DeleteAsync(connection, repository, gone, cancellationToken);
        await using var command = new NpgsqlCommand(End, connection) { CommandTimeout = 300 };
        Add(command, repository);
        Add(command, run);
        Add(command, treeKey);
        Add(command, commit);
        Add(command, skipped);
        (int, long, long, long) counts;
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            await reader.ReadAsync(cancellationToken);
            counts = (reader.GetInt32(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3));
        }

        await transaction.CommitAsync(cancellationToken);
        return counts;
    }

    private static async Task HoldAsync(NpgsqlConnection connection, long repository, Guid run, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Hold, connection);
        Add(command, repository);
        Add(command, run);
        Add(command, Lease);
        if (await command.ExecuteNonQueryAsync(cancellationToken) == 0)
        {
            throw new IndexBusyException("Another indexing of the repository has taken over, since this one was silent for too long.");
        }
    }

    private static async Task DeleteAsync(NpgsqlConnection connection, long repository, IReadOnlyList<string> paths, CancellationToken cancellationToken)
    {
        if (paths.Count == 0)
            return;
        await using var command = new NpgsqlCommand(Delete, connection) { CommandTimeout = 300 };
        Add(command, repository);
        Add(command, paths.ToArray());
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<List<long>> IdsAsync(NpgsqlConnection connection, int count, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("select nextval(pg_get_serial_sequence('public.code_files', 'id')) from generate_series(1, $1)", connection);
        Add(command, count);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var ids = new List<long>(count);
        while (await reader.ReadAsync(cancellationToken))
            ids.Add(reader.GetInt64(0));
        return ids;
    }

    private static void Add<T>(NpgsqlCommand command, T value) => command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
}

/// <summary>The bulk of the index, by COPY.</summary>
internal static class CodeCopy
{
    public static async Task FilesAsync(NpgsqlConnection connection, long repository, List<long> ids, IReadOnlyList<(FileFacts Facts, string Stamp)> files, CancellationToken cancellationToken)
    {
        await using var copy = await connection.BeginBinaryImportAsync(
            "COPY public.code_files (id, repository_id, path, blob, stamp, language, analyzer, note, bytes, lines, symbols, names, words) FROM STDIN (FORMAT BINARY)", cancellationToken);
        for (var i = 0; i < files.Count; i++)
        {
            var (facts, stamp) = files[i];
            await copy.StartRowAsync(cancellationToken);
            await copy.WriteAsync(ids[i], NpgsqlDbType.Bigint, cancellationToken);
            await copy.WriteAsync(repository, NpgsqlDbType.Bigint, cancellationToken);
            await copy.WriteAsync(facts.File.Path, NpgsqlDbType.Text, cancellationToken);
            await copy.WriteAsync(facts.File.Blob, NpgsqlDbType.Text, cancellationToken);
            await copy.WriteAsync(stamp, NpgsqlDbType.Text, cancellationToken);
            await copy.WriteAsync(facts.File.Language.Name, NpgsqlDbType.Text, cancellationToken);
            await copy.WriteAsync(facts.Analyzer, NpgsqlDbType.Text, cancellationToken);
            await TextAsync(copy, facts.Note, cancellationToken);
            await copy.WriteAsync(facts.File.Bytes, NpgsqlDbType.Integer, cancellationToken);
            await copy.WriteAsync(facts.Lines, NpgsqlDbType.Integer, cancellationToken);
            await copy.WriteAsync(facts.Symbols.Count, NpgsqlDbType.Integer, cancellationToken);
            await copy.WriteAsync(facts.References.Count, NpgsqlDbType.Integer, cancellationToken);
            await copy.WriteAsync(facts.Words.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text, cancellationToken);
        }

        await copy.CompleteAsync(cancellationToken);
    }

    public static async Task SymbolsAsync(NpgsqlConnection connection, long repository, List<long> ids, IReadOnlyList<(FileFacts Facts, string Stamp)> files, CancellationToken cancellationToken)
    {
        await using var copy = await connection.BeginBinaryImportAsync(
            "COPY public.code_symbols (repository_id, file_id, name, kind, container, signature, line, end_line, words) FROM STDIN (FORMAT BINARY)", cancellationToken);
        for (var i = 0; i < files.Count; i++)
        {
            foreach (var symbol in files[i].Facts.Symbols)
            {
                await copy.StartRowAsync(cancellationToken);
                await copy.WriteAsync(repository, NpgsqlDbType.Bigint, cancellationToken);
                await copy.WriteAsync(ids[i], NpgsqlDbType.Bigint, cancellationToken);
                await copy.WriteAsync(symbol.Name, NpgsqlDbType.Text, cancellationToken);
                await copy.WriteAsync(symbol.Kind, NpgsqlDbType.Text, cancellationToken);
                await TextAsync(copy, symbol.Container, cancellationToken);
                await TextAsync(copy, symbol.Signature, cancellationToken);
                await copy.WriteAsync(symbol.Line, NpgsqlDbType.Integer, cancellationToken);
                if (symbol.EndLine is { } end)
                    await copy.WriteAsync(end, NpgsqlDbType.Integer, cancellationToken);
                else
                    await copy.WriteNullAsync(cancellationToken);
                await copy.WriteAsync(CodeWords.OfName(symbol.Name).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text, cancellationToken);
            }
        }

        await copy.CompleteAsync(cancellationToken);
    }

    public static async Task ReferencesAsync(NpgsqlConnection connection, long repository, List<long> ids, IReadOnlyList<(FileFacts Facts, string Stamp)> files, CancellationToken cancellationToken)
    {
        await using var copy = await connection.BeginBinaryImportAsync(
            "COPY public.code_references (repository_id, file_id, name, occurrences, lines) FROM STDIN (FORMAT BINARY)", cancellationToken);
        for (var i = 0; i < files.Count; i++)
        {
            foreach (var reference in files[i].Facts.References)
            {
                await copy.StartRowAsync(cancellationToken);
                await copy.WriteAsync(repository, NpgsqlDbType.Bigint, cancellationToken);
                await copy.WriteAsync(ids[i], NpgsqlDbType.Bigint, cancellationToken);
                await copy.WriteAsync(reference.Name, NpgsqlDbType.Text, cancellationToken);
                await copy.WriteAsync(reference.Occurrences, NpgsqlDbType.Integer, cancellationToken);
                await copy.WriteAsync(reference.Lines.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Integer, cancellationToken);
            }
        }

        await copy.CompleteAsync(cancellationToken);
    }

    private static Task TextAsync(NpgsqlBinaryImporter copy, string? text, CancellationToken cancellationToken) =>
        text is null ? copy.WriteNullAsync(cancellationToken) : copy.WriteAsync(text, NpgsqlDbType.Text, cancellationToken);
}
