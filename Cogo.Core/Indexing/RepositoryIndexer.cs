using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Cogo.Core.Workspaces;
using Npgsql;

namespace Cogo.Core.Indexing;

/// <summary>
/// Brings the index of a repository up to a commit. Reads only files whose content is not indexed yet, out of the mirror:
/// nothing is checked out, so no name or link of the repository is followed. A run that dies leaves what it has done.
/// </summary>
public sealed class RepositoryIndexer
{
    /// <summary>Raised when analyzers of this version find something else than before.</summary>
    private const string Format = "1";

    private const int BatchFiles = 64;
    private const int BatchBytes = 4 * 1024 * 1024;
    // What an index of Postgres can hold.
    private const int LongestPath = 1000;
    private const int LongestLocation = 2000;
    private const int BinaryProbe = 8000;

    private readonly RepositoryCache _repositories;
    private readonly KgScope _scope;
    private readonly NpgsqlDataSource _source;
    private readonly CodeIndexWriter _writer;
    private readonly Dictionary<string, ILanguageAnalyzer> _analyzers;
    private readonly TimeProvider _time;

    public RepositoryIndexer(RepositoryCache repositories, KgScope scope, NpgsqlDataSource source, IEnumerable<ILanguageAnalyzer> analyzers, TimeProvider time)
    {
        _repositories = repositories;
        _scope = scope;
        _source = source;
        _writer = new CodeIndexWriter(source);
        _analyzers = analyzers.ToDictionary(analyzer => analyzer.Name, StringComparer.Ordinal);
        _time = time;
    }

    /// <param name="repo">A local path or a git URL. A folder inside a repository means that part of it, and is indexed for itself.</param>
    /// <param name="revision">Commit, branch or tag; default HEAD.</param>
    /// <param name="progress">Told now and then, from any thread.</param>
    /// <exception cref="WorkspaceException">See <see cref="WorkspaceCodes"/>; <c>too_many_files</c>.</exception>
    /// <exception cref="IndexBusyException">Another run indexes the same repository.</exception>
    /// <exception cref="NpgsqlException">The database does not answer.</exception>
    public async Task<IndexResult> IndexAsync(string? repo, string? revision, Action<IndexProgress>? progress, CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        var tree = await _repositories.ReadTreeAsync(repo, revision, cancellationToken);
        var location = CodeIndex.Location(tree.Repository);
        if (Encoding.UTF8.GetByteCount(location) > LongestLocation)
            throw new WorkspaceException(WorkspaceCodes.RepoNotFound, $"The repository's name has more than {LongestLocation} bytes, and the index keeps no longer ones: give it a shorter path.");

        var versions = await VersionsAsync(cancellationToken);
        var key = Key(tree, versions);
        var row = await _writer.OpenAsync(location, cancellationToken);
        var trigrams = await new CodeIndex(_source).HasTrigramsAsync(cancellationToken);
        var missing = versions.Where(one => one.Value is null).Select(one => one.Key).ToList();
        if (row.TreeKey == key)
        {
            await _writer.NoteCommitAsync(row.Id, key, tree.Commit, cancellationToken);
            return new IndexResult
            {
                Repo = location,
                Commit = tree.Commit,
                Unchanged = true,
                Files = row.Files,
                Lines = row.Lines,
                Symbols = row.Symbols,
                Names = row.Names,
                Skipped = row.Skipped,
                Missing = missing,
                Trigrams = trigrams,
                DurationMs = Elapsed(started),
            };
        }

        var work = new Work(tree, row.Id, Guid.NewGuid(), versions);
        await _writer.BeginAsync(row.Id, work.Run, location, cancellationToken);
        try
        {
            var known = await _writer.KnownAsync(row.Id, cancellationToken);
            var wanted = await SelectAsync(work, cancellationToken);
            var unread = wanted.Where(file => !(known.TryGetValue(file.Entry.Path, out var stamp) && stamp == work.Stamp(file))).ToList();
            await ReadAllAsync(work, unread, progress, cancellationToken);
            var kept = wanted.Select(file => file.Entry.Path).Where(path => !work.LeftOut.ContainsKey(path)).ToHashSet(StringComparer.Ordinal);
            var gone = known.Keys.Where(path => !kept.Contains(path)).ToList();
            var counts = await _writer.EndAsync(row.Id, work.Run, key, tree.Commit, work.LeftOut.Count, gone, cancellationToken);
            var read = unread.Where(file => kept.Contains(file.Entry.Path)).ToList();
            return new IndexResult
            {
                Repo = location,
                Commit = tree.Commit,
                Unchanged = false,
                Files = counts.Files,
                Lines = counts.Lines,
                Symbols = counts.Symbols,
                Names = counts.Names,
                Added = read.Count(file => !known.ContainsKey(file.Entry.Path)),
                Changed = read.Count(file => known.ContainsKey(file.Entry.Path)),
                Removed = gone.Count,
                Skipped = work.LeftOut.Count,
                Missing = missing,
                Trigrams = trigrams,
                DurationMs = Elapsed(started),
                Languages = [.. work.Counts.OrderByDescending(one => one.Value).ThenBy(one => one.Key).Select(one => new IndexedLanguage(one.Key.Language, one.Key.Analyzer, one.Value))],
                Remarks = [.. work.LeftOut.Concat(work.Notes).OrderBy(one => one.Key, StringComparer.Ordinal).Take(IndexResult.MostRemarks).Select(one => new IndexRemark(FileFacts.Tidy(one.Key, LongestPath), one.Value))],
            };
        }
        catch
        {
            await GiveBackAsync(work);
            throw;
        }
    }

    private async Task GiveBackAsync(Work work)
    {
        try
        {
            await _writer.LeaveAsync(work.Repository, work.Run, CancellationToken.None);
        }
        catch (NpgsqlException)
        {
            // The lease runs out by itself, and what failed before says more.
        }
    }

    private async Task<Dictionary<string, string?>> VersionsAsync(CancellationToken cancellationToken)
    {
        var versions = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var (name, analyzer) in _analyzers)
            versions[name] = await analyzer.VersionAsync(cancellationToken);
        return versions;
    }

    private string Key(RepositoryTree tree, Dictionary<string, string?> versions)
    {
        var tools = string.Join(',', versions.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => $"{one.Key}={one.Value}"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Format}\n{tree.TreeId}\n{_scope.Fingerprint}\n{tools}")));
    }

    /// <summary>The files in scope that can be read; why others cannot is noted.</summary>
    private async Task<List<Wanted>> SelectAsync(Work work, CancellationToken cancellationToken)
    {
        var wanted = new List<Wanted>();
        var paths = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in await work.Tree.ListAsync(cancellationToken))
        {
            if (_scope.LanguageOf(entry.Path) is not { } language)
                continue;
            if (Refusal(entry, paths) is { } reason)
            {
                work.LeftOut[entry.Path] = reason;
                continue;
            }

            wanted.Add(new Wanted(entry, language));
            if (wanted.Count > _scope.MaxFiles)
            {
                throw new WorkspaceException("too_many_files", $"{work.Tree.Repository} has more than {_scope.MaxFiles:N0} files in scope: narrow the scope's include and exclude, or raise its max_files (COGO_KG_SCOPE).");
            }
        }

        return wanted;
    }

    private string? Refusal(TreeEntry entry, HashSet<string> paths) =>
        entry.Mode == "160000" ? "a submodule"
        : !entry.IsFile ? "a symbolic link"
        : entry.Bytes > _scope.MaxFileBytes ? $"{entry.Bytes} bytes, and {_scope.MaxFileBytes} are read"
        : Encoding.UTF8.GetByteCount(entry.Path) > LongestPath ? $"a path of more than {LongestPath} bytes"
        : entry.Path.Any(c => char.IsControl(c) || c == '\uFFFD' || char.IsSurrogate(c)) ? "a name that is not plain text"
        : !paths.Add(entry.Path) ? "a name that another file has"
        : null;

    private async Task ReadAllAsync(Work work, List<Wanted> files, Action<IndexProgress>? progress, CancellationToken cancellationToken)
    {
        using var writing = new SemaphoreSlim(1);
        var done = 0;
        progress?.Invoke(new IndexProgress(0, files.Count));
        await Parallel.ForEachAsync(
            BatchesAsync(work, files, cancellationToken),
            new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellationToken },
            async (batch, token) =>
            {
                var facts = await AnalyzeAsync(work, batch, token);
                await writing.WaitAsync(token);
                try
                {
                    await _writer.ReplaceAsync(work.Repository, work.Run, facts, token);
                    done += batch.Count;
                    progress?.Invoke(new IndexProgress(done, files.Count));
                }
                finally
                {
                    writing.Release();
                }
            });
    }

    private async Task<IReadOnlyList<(FileFacts, string)>> AnalyzeAsync(Work work, List<(Wanted Wanted, SourceFile File)> batch, CancellationToken cancellationToken)
    {
        var sources = batch.ConvertAll(one => one.File);
        var asked = sources[0].Language.Analyzer;
        var facts = asked != ScopeLanguage.FileOnly && work.Versions.GetValueOrDefault(asked) is not null
            ? await _analyzers[asked].AnalyzeAsync(sources, cancellationToken)
            : [.. sources.Select(file => FileFacts.ByFile(file))];
        foreach (var one in facts)
        {
            work.Counts.AddOrUpdate((one.File.Language.Name, one.Analyzer), 1, (_, count) => count + 1);
            if (one.Note is not null)
                work.Notes[one.File.Path] = one.Note;
        }

        return [.. facts.Zip(batch, (one, read) => (one, work.Stamp(read.Wanted)))];
    }

    /// <summary>Contents in batches of one language.</summary>
    private static async IAsyncEnumerable<List<(Wanted, SourceFile)>> BatchesAsync(Work work, List<Wanted> files, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (files.Count == 0)
            yield break;
        using var blobs = work.Tree.OpenBlobs();
        foreach (var language in files.GroupBy(file => file.Language))
        {
            var batch = new List<(Wanted, SourceFile)>();
            var bytes = 0;
            foreach (var file in language)
            {
                var content = await blobs.ReadAsync(file.Entry.Blob, cancellationToken);
                if (SourceText.TryDecode(content, BinaryProbe) is not { } text)
                {
                    work.LeftOut[file.Entry.Path] = "not text";
                    continue;
                }

                batch.Add((file, new SourceFile(file.Entry.Path, file.Entry.Blob, content.Length, file.Language, text)));
                bytes += content.Length;
                if (batch.Count >= BatchFiles || bytes >= BatchBytes)
                {
                    yield return batch;
                    (batch, bytes) = ([], 0);
                }
            }

            if (batch.Count > 0)
                yield return batch;
        }
    }

    private long Elapsed(long started) => (long)_time.GetElapsedTime(started).TotalMilliseconds;

    private sealed record Wanted(TreeEntry Entry, ScopeLanguage Language);

    private sealed record Work(RepositoryTree Tree, long Repository, Guid Run, Dictionary<string, string?> Versions)
    {
        public ConcurrentDictionary<string, string> LeftOut { get; } = new(StringComparer.Ordinal);

        public ConcurrentDictionary<string, string> Notes { get; } = new(StringComparer.Ordinal);

        public ConcurrentDictionary<(string Language, string Analyzer), int> Counts { get; } = new();

        /// <summary>What the rows of a file were made from: while it is the same they hold.</summary>
        public string Stamp(Wanted file) =>
            $"{file.Entry.Blob} {Format} {file.Language.Name} {file.Language.Analyzer} {Versions.GetValueOrDefault(file.Language.Analyzer) ?? "none"}";
    }
}
