using System.Globalization;
using Cogo.Core.Database;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Indexing;

/// <summary>Reads the code index. Rows of a file are true for the file's blob, whatever commit is checked out elsewhere.</summary>
public sealed class CodeIndex(NpgsqlDataSource source)
{
    private static readonly string List = SqlQuery.Load("list_code_repositories");
    private static readonly string Find = SqlQuery.Load("find_code_repository");
    private static readonly string SearchQuery = SqlQuery.Load("search_code");
    private static readonly string Declared = SqlQuery.Load("list_code_symbols");
    private static readonly string Used = SqlQuery.Load("list_code_references");
    private static readonly string ContextSymbols = SqlQuery.Load("find_context_symbols");
    private static readonly string ContextFiles = SqlQuery.Load("find_context_files");

    /// <summary>The name of a repository in the index, out of what a user or a working copy calls it.</summary>
    public static string Location(string repository)
    {
        ArgumentNullException.ThrowIfNull(repository);
        return repository.Length > 1 ? repository.TrimEnd('/') : repository;
    }

    /// <summary>Null when nothing of it is indexed.</summary>
    public async Task<CodeRepository?> FindRepositoryAsync(string repository, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Find);
        Add(command, Location(repository));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? Repository(reader) : null;
    }

    /// <summary>Repositories by their location.</summary>
    /// <exception cref="CursorException">The cursor is not one of this list.</exception>
    public async Task<CodePage<CodeRepository>> ListRepositoriesAsync(int limit, string? cursor, CancellationToken cancellationToken)
    {
        var after = PageCursor.Read(cursor, "repositories", 1);
        await using var command = source.CreateCommand(List);
        Add(command, after?[0]);
        Add(command, limit + 1);
        return await PageAsync(command, limit, Repository, row => PageCursor.Write("repositories", row.Location), cancellationToken);
    }

    /// <summary>Whether names are found by resemblance: pg_trgm is there.</summary>
    public async Task<bool> HasTrigramsAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("select public.cogo_code_trigrams_on()");
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Symbols and files, what fits best first: names, parts of names, names that resemble, then files with all the words.</summary>
    /// <param name="repository">Null: in all repositories.</param>
    /// <param name="type"><c>symbol</c> or <c>file</c>; null: both.</param>
    /// <exception cref="CursorException">The cursor is not one of this list.</exception>
    public async Task<CodePage<CodeHit>> SearchAsync(long? repository, string query, string? type, int limit, string? cursor, CancellationToken cancellationToken)
    {
        var after = PageCursor.Read(cursor, "hits", 3);
        if (after is not null && !(decimal.TryParse(after[0], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var score) && score < 100))
            throw new CursorException();
        var afterId = after is null ? (long?)null : PageCursor.Id(after[2]);
        var text = query.Trim();
        if (CodeWords.Query(text) is not { } words)
            return new CodePage<CodeHit>([], null);

        await using var command = source.CreateCommand(SearchQuery);
        Add(command, repository);
        Add(command, text);
        Add(command, words);
        Add(command, type);
        Add(command, after?[0]);
        Add(command, after?[1]);
        Add(command, afterId);
        Add(command, limit + 1);
        return await PageAsync(command, limit, Hit, hit => PageCursor.Write("hits", hit.Score.ToString("0.0000", CultureInfo.InvariantCulture), hit.Type, PageCursor.Of(hit.Id)), cancellationToken);
    }

    /// <summary>Where a name is declared. Case counts.</summary>
    /// <exception cref="CursorException">The cursor is not one of this list.</exception>
    public async Task<CodePage<CodeDeclaration>> DeclarationsAsync(long? repository, string name, int limit, string? cursor, CancellationToken cancellationToken)
    {
        var after = PageCursor.Read(cursor, "symbols", 1) is [var id] ? PageCursor.Id(id) : (long?)null;
        await using var command = source.CreateCommand(Declared);
        Add(command, repository);
        Add(command, name);
        Add(command, after);
        Add(command, limit + 1);
        return await PageAsync(
            command, limit,
            reader => new CodeDeclaration(reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), Text(reader, 4), Text(reader, 5), reader.GetString(6), reader.GetInt32(7), reader.IsDBNull(8) ? null : reader.GetInt32(8)),
            row => PageCursor.Write("symbols", PageCursor.Of(row.Id)), cancellationToken);
    }

    /// <summary>Which files use a name, and where. Names are not bound: another thing of the same name is listed too.</summary>
    /// <exception cref="CursorException">The cursor is not one of this list.</exception>
    public async Task<CodePage<CodeUse>> UsesAsync(long? repository, string name, int limit, string? cursor, CancellationToken cancellationToken)
    {
        var after = PageCursor.Read(cursor, "references", 1) is [var id] ? PageCursor.Id(id) : (long?)null;
        await using var command = source.CreateCommand(Used);
        Add(command, repository);
        Add(command, name);
        Add(command, after);
        Add(command, limit + 1);
        return await PageAsync(
            command, limit,
            reader => new CodeUse(reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetInt32(3), reader.GetFieldValue<int[]>(4)),
            row => PageCursor.Write("references", PageCursor.Of(row.FileId)), cancellationToken);
    }

    /// <summary>What matches the words of a task, best first; null when nothing does.</summary>
    /// <param name="blobs">The contents that count, by path.</param>
    public async Task<CodeContext?> FindContextAsync(CodeRepository repository, string task, IReadOnlyDictionary<string, string> blobs, CancellationToken cancellationToken)
    {
        var words = TaskWords.Of(task);
        if (words.Count == 0)
            return null;

        var ranking = new ContextRanking(blobs);
        await using (var command = source.CreateCommand(ContextSymbols))
        {
            Add(command, repository.Id);
            Add(command, words.ToArray());
            Add(command, ContextRanking.Deepest);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                ranking.AddSymbol(
                    reader.GetString(0), reader.GetInt64(1),
                    new ContextSymbol(reader.GetString(6), reader.GetInt32(5), reader.GetString(2), reader.GetString(3), Text(reader, 4), Text(reader, 8)), reader.GetString(7));
            }
        }

        await using (var command = source.CreateCommand(ContextFiles))
        {
            Add(command, repository.Id);
            Add(command, words.ToArray());
            Add(command, ContextRanking.Deepest);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                ranking.AddFile(reader.GetString(0), reader.GetString(1), reader.GetString(2));
        }

        return ranking.Best(repository.Commit);
    }

    private static async Task<CodePage<T>> PageAsync<T>(NpgsqlCommand command, int limit, Func<NpgsqlDataReader, T> read, Func<T, string> cursor, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));

        // One row more than asked for says that there is another page.
        return rows.Count <= limit ? new CodePage<T>(rows, null) : new CodePage<T>(rows[..limit], cursor(rows[limit - 1]));
    }

    private static CodeRepository Repository(NpgsqlDataReader reader) => new(
        reader.GetInt64(0), reader.GetString(1), Text(reader, 2), reader.GetInt32(3), reader.GetInt64(4), reader.GetInt64(5), reader.GetInt64(6), reader.GetInt32(7),
        reader.IsDBNull(8) ? null : reader.GetFieldValue<DateTimeOffset>(8));

    private static CodeHit Hit(NpgsqlDataReader reader) => new(
        reader.GetString(0), reader.GetInt64(1), reader.GetDecimal(2), reader.GetString(3), reader.GetString(4), Text(reader, 5), Text(reader, 6), Text(reader, 7), Text(reader, 8),
        reader.IsDBNull(9) ? null : reader.GetInt32(9), reader.IsDBNull(10) ? null : reader.GetInt32(10), reader.GetString(11));

    private static string? Text(NpgsqlDataReader reader, int ordinal) => reader.IsDBNull(ordinal) ? null : reader.GetString(ordinal);

    private static void Add<T>(NpgsqlCommand command, T value)
        where T : notnull =>
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });

    private static void Add(NpgsqlCommand command, string? value) =>
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });

    private static void Add(NpgsqlCommand command, long? value) =>
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
}
