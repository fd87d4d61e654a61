using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cogo.Cli.Gates;
using Cogo.Core;
using Cogo.Core.Artifacts;
using Cogo.Core.Gates;
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
            var metrics = new MetricsReader(session.Source, surroundings.Time);
            var figures = await metrics.SummaryAsync(new MetricsScope(window), cancellationToken);
            var gates = await metrics.GatesAsync(window, cancellationToken);
            var answer = QualityGate.JudgeAcceptance(bounds, figures);
            var document = JsonSerializer.SerializeToUtf8Bytes(new { figures, gates = gates.Gates, acceptance = answer }, CogoJson.Indented);
            var at = surroundings.Time.GetUtcNow();
            var path = $"metrics/{at.ToString("yyyyMMdd", CultureInfo.InvariantCulture)}/snapshot-{at.ToString("HHmmss", CultureInfo.InvariantCulture)}.json";
            using (var content = new MemoryStream(document))
            {
                var store = new LocalArtifactStore(session.Source, new ArtifactOptions { BasePath = session.Options.ArtifactsFolder });
                var trace = System.Diagnostics.ActivityTraceId.CreateRandom().ToHexString();
                await store.SaveAsync(path, content, new ArtifactContext("metrics", trace, "application/json"), cancellationToken);
            }

            if (parsed.GetValue(file) is { } copy)
            {
                await WriteAsync(surroundings.FullPath(copy), document, cancellationToken);
            }

            await terminal.Out.WriteLineAsync(parsed.GetValue(json)
                ? JsonSerializer.Serialize(new { path, figures, gates = gates.Gates, acceptance = answer }, CogoJson.Options)
                : $"{ReportText.Of(figures, answer)}\n\nKept as {path}.");
            return ExitCodes.Passed;
        });
        return verb;
    }

    private static async Task WriteAsync(string path, byte[] document, CancellationToken cancellationToken)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllBytesAsync(path, document, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"--file {path} cannot be written: {e.Message}", e);
        }
    }
}
