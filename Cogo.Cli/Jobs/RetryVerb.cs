using System.CommandLine;

namespace Cogo.Cli.Jobs;

/// <summary><c>cogo retry failed</c>: dead jobs back into their queues, under their own ids.</summary>
internal static class RetryVerb
{
    public static Command Create(Terminal terminal, Surroundings surroundings)
    {
        var executor = VerbOptions.Text("--executor", "EXECUTOR_ID", "Jobs of this executor.", "ID");
        var type = VerbOptions.Text("--type", "TYPE_PREFIX", "Types that begin so.", "PREFIX");
        var limit = VerbOptions.Number("--limit", "LIMIT", "Most jobs (default: 100).");
        var reset = VerbOptions.Flag("--reset-attempts", "RESET_ATTEMPTS", "Give all attempts anew; otherwise one more.");
        var dryRun = VerbOptions.Flag("--dry-run", "DRY_RUN", "Only show what would be retried; --dry-run false does it. Default: true.");
        var json = VerbOptions.Json();
        var database = new DatabaseOptions();
        var failed = new Command("failed", "Retry failed jobs. Dry run by default.") { executor, type, limit, reset, dryRun, json };
        database.AddTo(failed);
        failed.SetAction(async (parsed, cancellationToken) =>
        {
            var dry = parsed.Read(dryRun, "DRY_RUN", otherwise: true, surroundings);
            var most = parsed.Read(limit, "LIMIT", 1, surroundings) ?? 100;
            var anew = parsed.Read(reset, "RESET_ATTEMPTS", otherwise: false, surroundings);
            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            await using var retry = session.Source.CreateCommand(
                "select r.job_id, j.type, j.queue, j.attempts, j.error, $5 as dry_run from public.retry_failed_jobs($1, $2, $3, $4, $5) r (job_id) left join public.jobs j on j.id = r.job_id");
            retry.With(parsed.Read(executor, "EXECUTOR_ID", surroundings)).With(parsed.Read(type, "TYPE_PREFIX", surroundings)).With(most).With(anew).With(dry);
            var rows = await new RowView(terminal, parsed.GetValue(json), surroundings.Time).ShowAsync(retry, ["job_id", "type", "error", "attempts", "queue"], "There are no such failed jobs.", cancellationToken);
            await Summary.WriteAsync(terminal, parsed.GetValue(json), rows, dry, "job", "retried", cancellationToken);
            return ExitCodes.Passed;
        });
        return new Command("retry", "Retry failed jobs.") { failed };
    }
}
