using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cogo.Cli.Gates;
using Cogo.Core;
using Cogo.Core.Gates;
using Cogo.Core.Metrics;

namespace Cogo.Cli.Notify;

/// <summary><c>cogo notify weekly</c> and <c>cogo weekly enqueue</c>: the report of a week, delivered by the job queue.</summary>
internal static class NotifyVerb
{
    private static readonly MetricsWindow Week = new(TimeSpan.FromDays(7));

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
        var dryRun = new Option<bool>("--dry-run") { Description = "Only show the report." };
        var thresholds = new ThresholdOptions(withWindow: false);
        var database = new DatabaseOptions();
        thresholds.AddTo(verb);
        verb.Options.Add(dryRun);
        verb.Options.Add(json);
        database.AddTo(verb);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            var (bounds, _) = await thresholds.ReadAsync(parsed, surroundings, cancellationToken);
            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            var figures = await new MetricsReader(session.Source, surroundings.Time).SummaryAsync(new MetricsScope(Week), cancellationToken);
            var text = ReportText.Of(figures, QualityGate.JudgeAcceptance(bounds, figures));
            var now = surroundings.Time.GetUtcNow().UtcDateTime;
            var week = string.Create(CultureInfo.InvariantCulture, $"{ISOWeek.GetYear(now)}-W{ISOWeek.GetWeekOfYear(now):00}");
            var subject = $"Cogo, week {week}";
            var job = parsed.GetValue(dryRun)
                ? null
                : await new NotificationQueue(session.Source).EnqueueAsync(subject, text, once ? $"weekly:{week}" : null, cancellationToken);
            await terminal.Out.WriteLineAsync(parsed.GetValue(json)
                ? JsonSerializer.Serialize(new { subject, text, job_id = job?.Id, trace_id = job?.TraceId, duplicate = job?.Duplicate }, CogoJson.Options)
                : $"{subject}\n\n{text}\n\n{NotificationQueue.Say(job)}");
            return ExitCodes.Passed;
        });
        return verb;
    }
}
