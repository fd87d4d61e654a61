using System.CommandLine;
using System.Text;
using System.Text.Json;
using Cogo.Cli.Gates;
using Cogo.Core;
using Cogo.Core.Metrics;
using Cogo.Core.Notifications;

namespace Cogo.Cli.Notify;

/// <summary><c>cogo notify weekly</c> and <c>cogo weekly enqueue</c>: the report of a week, delivered by the job queue.</summary>
internal static class NotifyVerb
{
    public static Command Create(Terminal terminal, Surroundings surroundings) => new("notify", "Tell the webhook of the workers.")
    {
        Weekly(new Command("weekly", "Send the report of the last seven days now."), terminal, surroundings, once: false),
    };

    public static Command CreateWeekly(Terminal terminal, Surroundings surroundings) => new("weekly", "The report of a week.")
    {
        Weekly(new Command("enqueue", "Send the report of the last seven days, once in a calendar week however often it is called."), terminal, surroundings, once: true),
    };

    private static Command Weekly(Command verb, Terminal terminal, Surroundings surroundings, bool once)
    {
        var json = Jobs.VerbOptions.Json();
        var dryRun = Jobs.VerbOptions.Flag("--dry-run", "DRY_RUN", "Only show the report. Default: false.");
        var picture = new Option<string?>("--picture") { Description = "Also draw the week as SVG into this file.", HelpName = "FILE" };
        var thresholds = new ThresholdOptions(withWindow: false);
        var database = new DatabaseOptions();
        thresholds.AddTo(verb);
        verb.Options.Add(picture);
        verb.Options.Add(dryRun);
        verb.Options.Add(json);
        database.AddTo(verb);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            var dry = Jobs.VerbOptions.Read(parsed, dryRun, "DRY_RUN", otherwise: false, surroundings);
            var (bounds, _) = await thresholds.ReadAsync(parsed, surroundings, cancellationToken);
            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            var report = await WeekReport.ReadAsync(new MetricsReader(session.Source, surroundings.Time), bounds, surroundings.Time, cancellationToken);
            if (parsed.GetValue(picture) is { } file)
            {
                await OutputFile.WriteAsync("--picture", surroundings.FullPath(file), Encoding.UTF8.GetBytes(WeekPicture.Svg(report.Figures)), cancellationToken);
            }

            var job = dry
                ? null
                : await NotificationQueue.EnqueueAsync(session.Source, report.ToNotification(), once ? report.OnceKey : null, cancellationToken);
            await terminal.Out.WriteLineAsync(parsed.GetValue(json)
                ? JsonSerializer.Serialize(new { report.Subject, report.Text, job_id = job?.Id, trace_id = job?.TraceId, duplicate = job?.Duplicate }, CogoJson.Options)
                : $"{report.Subject}\n\n{report.Text}\n\n{NotificationText.Of(job)}");
            return ExitCodes.Passed;
        });
        return verb;
    }
}
