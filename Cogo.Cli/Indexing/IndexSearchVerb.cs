using System.CommandLine;
using System.Text.Json;
using Cogo.Cli.Jobs;
using Cogo.Core;
using Cogo.Core.Indexing;

namespace Cogo.Cli.Indexing;

/// <summary><c>cogo index search QUERY</c>.</summary>
internal static class IndexSearchVerb
{
    private const int DefaultLimit = 20;
    private const int MaxLimit = 1000;

    public static Command Create(Terminal terminal, Surroundings surroundings)
    {
        var query = new Argument<string[]>("query") { Description = "A name, the start of one, or words.", HelpName = "QUERY", Arity = ArgumentArity.OneOrMore };
        var repo = new Option<string?>("--repo") { Description = "Only in this repository (default: in all).", HelpName = "PATH|GIT_URL" };
        var type = new Option<string?>("--type") { Description = "symbol or file (default: both).", HelpName = "TYPE" };
        type.AcceptOnlyFromAmong("symbol", "file");
        var limit = VerbOptions.Number("--limit", "LIMIT", $"Most hits to show (default: {DefaultLimit}).");
        var json = VerbOptions.Json();
        var database = new DatabaseOptions();
        var verb = new Command("search", "Find symbols and files, best first.") { query, repo, type, limit, json };
        database.AddTo(verb);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            var most = parsed.Read(limit, "LIMIT", 1, surroundings) ?? DefaultLimit;
            if (most > MaxLimit)
                throw new InputException($"--limit is {most}: use {MaxLimit} or less.");

            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            var index = new CodeIndex(session.Source);
            long? within = null;
            if (parsed.GetValue(repo) is { } named)
            {
                var location = IndexVerb.Repo(named, surroundings);
                within = (await index.FindRepositoryAsync(location, cancellationToken))?.Id
                    ?? throw new InputException($"{location} is not indexed: `cogo index {named}` does it.");
            }

            var page = await index.SearchAsync(within, string.Join(' ', parsed.GetValue(query)!), parsed.GetValue(type), most, null, cancellationToken);
            foreach (var hit in page.Rows)
                await terminal.Out.WriteLineAsync(parsed.GetValue(json) ? JsonSerializer.Serialize(hit, CogoJson.Options) : Terminal.Clean(Line(hit, within is null)));
            if (page.Rows.Count == 0 && !parsed.GetValue(json))
                await terminal.Out.WriteLineAsync("Nothing was found. `cogo index PATH` brings the index of a repository up to date.");
            return ExitCodes.Passed;
        });
        return verb;
    }

    private static string Line(CodeHit hit, bool withRepo)
    {
        var path = withRepo ? $"{hit.Repo}/{hit.Path}" : hit.Path;
        return hit.Type == "file" ? $"{path}  file" : $"{path}:{hit.Line}  {hit.Kind} {hit.Signature ?? hit.Name}{(hit.Container is null ? "" : $" in {hit.Container}")}";
    }
}
