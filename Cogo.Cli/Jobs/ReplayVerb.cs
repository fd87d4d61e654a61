using System.CommandLine;

namespace Cogo.Cli.Jobs;

/// <summary><c>cogo replay dlq</c>: dead jobs enqueued anew, each once.</summary>
internal static class ReplayVerb
{
    public static Command Create(Terminal terminal, Surroundings surroundings)
    {
        var type = VerbOptions.Text("--type", "TYPE_PREFIX", "Types that begin so.", "PREFIX");
        var limit = VerbOptions.Number("--limit", "LIMIT", "Most jobs (default: 100).");
        var dryRun = VerbOptions.Flag("--dry-run", "DRY_RUN", "Only show what would be replayed. Default: false.");
        var json = VerbOptions.Json();
        var database = new DatabaseOptions();
        var dlq = new Command("dlq", "Enqueue dead jobs anew, each once: the idempotency key is dlq:<job_id>.") { type, limit, dryRun, json };
        database.AddTo(dlq);
        dlq.SetAction(async (parsed, cancellationToken) =>
        {
            var dry = parsed.Read(dryRun, "DRY_RUN", otherwise: false, surroundings);
            var most = parsed.Read(limit, "LIMIT", 1, surroundings) ?? 100;
            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            await using var replay = session.Source.CreateCommand(
                "select r.job_id, r.replayed_as, j.type, j.queue, j.error, 'dlq:' || r.job_id as idempotency_key, $3 as dry_run from public.replay_dlq($1, $2, $3) r left join public.jobs_dlq j on j.job_id = r.job_id");
            replay.With(most).With(parsed.Read(type, "TYPE_PREFIX", surroundings)).With(dry);
            var rows = await new RowView(terminal, parsed.GetValue(json), surroundings.Time)
                .ShowAsync(replay, ["job_id", "replayed_as", "type", "error", "idempotency_key", "queue"], "There are no dead jobs that have not been replayed.", cancellationToken);
            await Summary.WriteAsync(terminal, parsed.GetValue(json), rows, dry, "job", "enqueued anew", cancellationToken);
            return ExitCodes.Passed;
        });
        return new Command("replay", "Replay dead jobs.") { dlq };
    }
}
