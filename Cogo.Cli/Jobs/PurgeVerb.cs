using System.CommandLine;
using Npgsql;

namespace Cogo.Cli.Jobs;

/// <summary><c>cogo purge jobs</c>: forgets jobs that ended long ago.</summary>
internal static class PurgeVerb
{
    private const int DefaultDays = 30;
    private static readonly string[] Finished = ["succeeded", "failed", "cancelled"];

    public static Command Create(Terminal terminal, Surroundings surroundings)
    {
        var days = VerbOptions.Number("--ttl-days", "JOB_TTL_DAYS", $"Jobs that ended more than so many days ago (default: {DefaultDays}).");
        var statuses = VerbOptions.Text("--statuses", "JOB_PURGE_STATUSES", $"Comma-separated (default: {string.Join(',', Finished)}).", "STATUSES");
        var limit = VerbOptions.Number("--limit", "LIMIT", "Most jobs (default: 10000).");
        var dryRun = VerbOptions.Flag("--dry-run", "DRY_RUN", "Only count what would go; --dry-run false does it. Default: true.");
        var json = VerbOptions.Json();
        var database = new DatabaseOptions();
        var jobs = new Command("jobs", "Forget jobs that ended long ago. Dry run by default.") { days, statuses, limit, dryRun, json };
        database.AddTo(jobs);
        jobs.SetAction(async (parsed, cancellationToken) =>
        {
            var dry = parsed.Read(dryRun, "DRY_RUN", otherwise: true, surroundings);
            var age = parsed.Days(days, "JOB_TTL_DAYS", DefaultDays, surroundings);
            var most = parsed.Read(limit, "LIMIT", 1, surroundings) ?? 10_000;
            var which = parsed.Read(statuses, "JOB_PURGE_STATUSES", surroundings)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? Finished;
            if (which.Length == 0)
            {
                throw new InputException($"--statuses names no status: use some of {string.Join(", ", Finished)}, or leave it out.");
            }

            if (which.Except(Finished).FirstOrDefault() is { } running)
            {
                throw new InputException($"'{running}' is no status of a finished job: use {string.Join(", ", Finished)}.");
            }

            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            await using var purge = session.Source.CreateCommand("select status, jobs, $3 as dry_run from public.purge_jobs(clock_timestamp() - $1, $2, $3, $4)");
            purge.CommandTimeout = 600;
            purge.With(age);
            purge.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = which });
            purge.With(dry).With(most);
            var rows = await new RowView(terminal, parsed.GetValue(json), surroundings.Time).ShowAsync(purge, ["status", "jobs"], "There are no such jobs.", cancellationToken);
            if (rows > 0 && !parsed.GetValue(json))
            {
                await terminal.Out.WriteLineAsync(dry ? "Nothing was changed: add --dry-run false." : "They are forgotten.");
            }

            return ExitCodes.Passed;
        });
        return new Command("purge", "Forget what ended long ago.") { jobs };
    }
}
