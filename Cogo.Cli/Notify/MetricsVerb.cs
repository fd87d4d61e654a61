using System.CommandLine;
using System.Text.Json;
using Cogo.Cli.Gates;
using Cogo.Core;
using Cogo.Core.Metrics;

namespace Cogo.Cli.Notify;

/// <summary><c>cogo metrics snapshot</c>: the figures of a window, kept as an artifact.</summary>
internal static class MetricsVerb
{
    public static Command Create(Terminal terminal, Surroundings surroundings) => new("metrics", "Figures of a window.") { Snapshot(terminal, surroundings) };

    private static Command Snapshot(Terminal terminal, Surroundings surroundings)
    {
        var json = Jobs.VerbOptions.Json();
        var file = new Option<string?>("--file") { Description = "Also write the snapshot here.", HelpName = "FILE" };
        var thresholds = new ThresholdOptions();
        var database = new DatabaseOptions();
        var verb = new Command("snapshot", "Keep the figures of the last 24 h, or of --window, as an artifact.") { file, json };
        thresholds.AddTo(verb);
        database.AddTo(verb);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            var (bounds, window) = await thresholds.ReadAsync(parsed, surroundings, cancellationToken);
            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            var store = session.OpenArtifacts();
            var snapshot = await MetricsSnapshot.TakeAsync(
                new MetricsReader(session.Source, surroundings.Time), store, bounds, window,
                System.Diagnostics.ActivityTraceId.CreateRandom().ToHexString(), surroundings.Time, cancellationToken);
            if (parsed.GetValue(file) is { } copy)
            {
                await OutputFile.WriteAsync("--file", surroundings.FullPath(copy), snapshot.Document, cancellationToken);
            }

            await terminal.Out.WriteLineAsync(parsed.GetValue(json)
                ? JsonSerializer.Serialize(new { snapshot.Path, snapshot.Figures, snapshot.Gates, snapshot.Acceptance }, CogoJson.Options)
                : $"{ReportText.Of(snapshot.Figures, snapshot.Acceptance)}\n\nKept as {snapshot.Path}.");
            return ExitCodes.Passed;
        });
        return verb;
    }
}
