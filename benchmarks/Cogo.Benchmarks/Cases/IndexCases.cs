using System.Diagnostics;
using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Reporting;
using Cogo.Core.Indexing;
using Cogo.Core.Workspaces;
using Cogo.Workers.Indexing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Benchmarks.Cases;

/// <summary>
/// The code index: 100,000 lines of C# from nothing, the same again unchanged and with one file changed, and searches.
/// Each round has a database and a mirror of its own; round 1 also compiles Cogo's own code.
/// </summary>
internal sealed class IndexCases(BenchmarkServer server, BenchmarkOptions options)
{
    private const int Lines = 100_000;

    private static readonly string[] Queries = ["OrderParseer0", "parse invoice", "LedgerMergeer", "StockCount3", "rendr", "customer payment count", "ArgumentNullException", "Tenant"];

    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!options.WantsCase("index_full", "index_unchanged", "index_one_file", "index_search"))
        {
            yield break;
        }

        var folder = Directory.CreateTempSubdirectory("cogo-bench-index-").FullName;
        try
        {
            using var repository = await SyntheticRepository.CreateAsync(Path.Combine(folder, "repository"), Lines, cancellationToken);
            List<double> full = [], unchanged = [], changed = [], search = [];
            IndexResult? last = null;
            for (var round = 0; round < options.Rounds; round++)
            {
                var name = $"index_{round}";
                await server.CreateCogoDatabaseAsync(name, NullLogger.Instance, cancellationToken);
                await using (var source = NpgsqlDataSource.Create(server.ConnectionString(name)))
                {
                    var indexer = Indexer(source, Path.Combine(folder, $"work{round}"));
                    last = await TimedAsync(full, () => indexer.IndexAsync(repository.Folder, null, null, cancellationToken));
                    await TimedAsync(unchanged, () => indexer.IndexAsync(repository.Folder, null, null, cancellationToken));
                    await repository.WriteAsync("src/One.cs", SyntheticRepository.Text(100_000 + round), cancellationToken);
                    await repository.CommitAsync(cancellationToken);
                    await TimedAsync(changed, () => indexer.IndexAsync(repository.Folder, null, null, cancellationToken));
                    var index = new CodeIndex(source);
                    foreach (var query in Queries)
                        await TimedAsync(search, () => index.SearchAsync(null, query, null, 50, null, cancellationToken));
                }

                await server.DropDatabaseAsync(name, cancellationToken);
            }

            yield return Result("index_full", full, $"{repository.Lines:N0} lines of C# in {last!.Files:N0} files: {last.Symbols:N0} symbols, {last.Names:N0} names in use. From a repository that was never seen.");
            yield return Result("index_unchanged", unchanged, "The same commit again.");
            yield return Result("index_one_file", changed, "One file added or changed.");
            yield return Result("index_search", search, $"{Queries.Length} queries, first pages of 50.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static RepositoryIndexer Indexer(NpgsqlDataSource source, string work)
    {
        var workspaces = new WorkspaceOptions { WorkFolder = work };
        return new RepositoryIndexer(
            new RepositoryCache(workspaces, TimeProvider.System, NullLogger<RepositoryCache>.Instance), KgScope.Default, source,
            [new CSharpAnalyzer(TimeProvider.System), new CtagsAnalyzer(new CtagsOptions(), workspaces)], TimeProvider.System);
    }

    private static async Task<T> TimedAsync<T>(List<double> into, Func<Task<T>> run)
    {
        var clock = Stopwatch.StartNew();
        var result = await run();
        into.Add(clock.Elapsed.TotalMilliseconds);
        return result;
    }

    private static CaseResult Result(string name, List<double> times, string note) =>
        new(name, "ms", new Series(times), new Dictionary<string, Series>(StringComparer.Ordinal), null) { Note = note };
}
