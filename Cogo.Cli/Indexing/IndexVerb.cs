using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cogo.Cli.Jobs;
using Cogo.Core;
using Cogo.Core.Indexing;
using Cogo.Core.Workspaces;
using Cogo.Workers.Indexing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Cogo.Cli.Indexing;

/// <summary><c>cogo index PATH</c> and <c>cogo index search QUERY</c>.</summary>
internal static class IndexVerb
{
    private static readonly string[] Settings = [IndexingServices.ScopeSetting, "COGO_CTAGS", "COGO_CTAGS_TIMEOUT_MS", "COGO_GIT_TIMEOUT_MS", "COGO_GIT_FETCH_TIMEOUT_MS"];

    public static Command Create(Terminal terminal, Surroundings surroundings)
    {
        var path = new Argument<string>("path") { Description = "A folder of a git repository, or a git URL. A folder called search: ./search.", HelpName = "PATH" };
        var revision = new Option<string?>("--base") { Description = "Commit, branch or tag (default: HEAD).", HelpName = "REV" };
        var json = VerbOptions.Json();
        var database = new DatabaseOptions();
        var verb = new Command("index", "Bring the code index of a repository up to date, or search in it.") { path, revision, json, IndexSearchVerb.Create(terminal, surroundings) };
        database.AddTo(verb);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            await using var services = Services(session, surroundings);
            var result = await IndexAsync(services, Repo(parsed.GetValue(path)!, surroundings), parsed.GetValue(revision), cancellationToken);
            if (parsed.GetValue(json))
                await terminal.Out.WriteLineAsync(JsonSerializer.Serialize(result, CogoJson.Options));
            else
                await ShowAsync(result, terminal);
            return ExitCodes.Passed;
        });
        return verb;
    }

    /// <summary>As the index calls it: a path made absolute here, a URL as it is.</summary>
    public static string Repo(string text, Surroundings surroundings)
    {
        var local = surroundings.FullPath(text);
        return Directory.Exists(local) || !(text.Contains(':', StringComparison.Ordinal)) ? local : text;
    }

    private static async Task<IndexResult> IndexAsync(ServiceProvider services, string repo, string? revision, CancellationToken cancellationToken)
    {
        try
        {
            return await services.GetRequiredService<RepositoryIndexer>().IndexAsync(repo, revision, null, cancellationToken);
        }
        catch (WorkspaceException e) when (e.Verdict == Core.Pipeline.Verdict.Infrastructure)
        {
            throw new CogoSystemException(e.Message, e);
        }
        catch (WorkspaceException e)
        {
            throw new InputException(e.Message, e);
        }
        catch (IndexBusyException e)
        {
            throw new CogoSystemException(e.Message, e);
        }
    }

    private static ServiceProvider Services(DatabaseSession session, Surroundings surroundings)
    {
        var settings = Settings.ToDictionary(name => name, surroundings.Variable, StringComparer.Ordinal);
        settings["COGO_WORK"] = session.Options.WorkFolder;
        if (settings[IndexingServices.ScopeSetting] is { } scope)
            settings[IndexingServices.ScopeSetting] = surroundings.FullPath(scope);
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(session.Source);
        try
        {
            services.AddCogoIndexing(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        }
        catch (FormatException e)
        {
            throw new InputException(e.Message, e);
        }

        return services.BuildServiceProvider();
    }

    private static async Task ShowAsync(IndexResult result, Terminal terminal)
    {
        var seconds = (result.DurationMs / 1000.0).ToString("0.0", CultureInfo.InvariantCulture);
        await terminal.Out.WriteLineAsync(Terminal.Clean($"{result.Repo} at {result.Commit[..12]}"));
        await terminal.Out.WriteLineAsync($"{result.Files:N0} files, {result.Lines:N0} lines, {result.Symbols:N0} symbols, {result.Names:N0} names in use");
        await terminal.Out.WriteLineAsync(result.Unchanged
            ? $"Nothing had changed; {seconds} s."
            : $"{result.Added:N0} new, {result.Changed:N0} changed, {result.Removed:N0} gone; {seconds} s.");
        foreach (var language in result.Languages)
            await terminal.Out.WriteLineAsync($"  {language.Language,-12} {language.Files,8:N0}  {(language.Analyzer == ScopeLanguage.FileOnly ? "by file" : language.Analyzer)}");
        foreach (var remark in result.Remarks.Take(10))
            await terminal.Error.WriteLineAsync(Terminal.Clean($"cogo: {remark.Path}: {remark.Reason}"));
        if (result.Remarks.Count > 10)
            await terminal.Error.WriteLineAsync($"cogo: {result.Remarks.Count - 10} more; --json lists them.");
        if (result.Missing.Count > 0)
            await terminal.Error.WriteLineAsync($"cogo: {string.Join(", ", result.Missing)} cannot run here, so its languages are read by file. Debian: apt-get install universal-ctags.");
        if (!result.Trigrams)
            await terminal.Error.WriteLineAsync("cogo: The database lacks pg_trgm, so names are not found by resemblance. As a superuser: create extension pg_trgm; select public.cogo_code_trigrams().");
    }
}
