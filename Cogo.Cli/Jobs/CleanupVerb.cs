using System.CommandLine;
using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Artifacts;

namespace Cogo.Cli.Jobs;

/// <summary><c>cogo cleanup artifacts</c>: rows, and by default the files, of artifacts past their time.</summary>
internal static class CleanupVerb
{
    private const int DefaultDays = 14;

    // Longer than any upload takes.
    private static readonly TimeSpan LeftoverAge = TimeSpan.FromDays(1);

    public static Command Create(Terminal terminal, Surroundings surroundings)
    {
        var days = VerbOptions.Number("--ttl-days", "ARTIFACT_TTL_DAYS", $"Older than so many days, beside those whose own time is over (default: {DefaultDays}).");
        var storage = VerbOptions.Flag("--delete-storage", "ARTIFACT_DELETE_STORAGE", "Delete the files, too, not only the rows. Default: true.");
        var dryRun = VerbOptions.Flag("--dry-run", "DRY_RUN", "Only show what would go. Default: false.");
        var limit = VerbOptions.Number("--limit", "LIMIT", "Most artifacts (default: 10000).");
        var json = VerbOptions.Json();
        var database = new DatabaseOptions();
        var artifacts = new Command("artifacts", "Remove artifacts past their time.") { days, storage, dryRun, limit, json };
        database.AddTo(artifacts);
        artifacts.SetAction(async (parsed, cancellationToken) =>
        {
            var dry = parsed.Read(dryRun, "DRY_RUN", otherwise: false, surroundings);
            var files = parsed.Read(storage, "ARTIFACT_DELETE_STORAGE", otherwise: true, surroundings);
            var age = parsed.Days(days, "ARTIFACT_TTL_DAYS", DefaultDays, surroundings);
            var most = parsed.Read(limit, "LIMIT", 1, surroundings) ?? 10_000;
            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            var store = session.OpenArtifacts();
            if (files && !dry)
            {
                await store.CheckAsync(cancellationToken);
            }

            var (count, bytes) = (0, 0L);
            foreach (var row in await new ArtifactIndex(session.Source).ListExpiredAsync(age, most, cancellationToken))
            {
                var deleted = !dry && await store.DeleteAsync(row.Path, files, cancellationToken);
                if (parsed.GetValue(json))
                {
                    await terminal.Out.WriteLineAsync(JsonSerializer.Serialize(
                        new { row.Path, row.Bytes, row.CreatedAt, dry_run = dry, file_deleted = deleted }, CogoJson.Options));
                }
                else
                {
                    await terminal.Out.WriteLineAsync(Terminal.Clean(row.Path));
                }

                (count, bytes) = (count + 1, bytes + row.Bytes);
            }

            // What killed processes left half-stored: no artifact, so not counted as one.
            var leftovers = files && !dry ? await store.RemoveLeftoversAsync(LeftoverAge, most, cancellationToken) : 0;
            if (!parsed.GetValue(json))
            {
                if (leftovers > 0)
                {
                    await terminal.Out.WriteLineAsync($"{leftovers} files that no artifact names were removed.");
                }

                await terminal.Out.WriteLineAsync(count == 0
                    ? "No artifact is past its time."
                    : $"{count} artifacts, {bytes} bytes, {(dry ? "would be removed. Nothing was changed" : files ? "were removed, files and rows" : "were removed from the index; their files stay")}.");
            }

            return ExitCodes.Passed;
        });
        return new Command("cleanup", "Remove what is past its time.") { artifacts };
    }
}
