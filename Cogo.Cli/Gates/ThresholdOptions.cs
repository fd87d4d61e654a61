using System.CommandLine;
using Cogo.Core.Gates;
using Cogo.Core.Metrics;

namespace Cogo.Cli.Gates;

/// <summary>Which thresholds, and over which span of time.</summary>
internal sealed class ThresholdOptions(bool withWindow = true)
{
    private readonly Option<string?> _file = new("--thresholds") { Description = $"File of the thresholds (default: {QualityThresholds.FileSetting}, else {QualityThresholds.FileName} where it is there, else those Cogo comes with).", HelpName = "FILE" };
    private readonly Option<string?> _window = new("--window") { Description = "How far back figures go: 90s, 15m, 24h, 7d (default: what the thresholds say).", HelpName = "TIME" };

    public void AddTo(Command verb)
    {
        verb.Options.Add(_file);
        if (withWindow)
        {
            verb.Options.Add(_window);
        }
    }

    /// <exception cref="InputException">The file is not there or is none, or the window is none.</exception>
    public async Task<(QualityThresholds Thresholds, MetricsWindow Window)> ReadAsync(ParseResult parsed, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var thresholds = await ThresholdsAsync(parsed, surroundings, cancellationToken);
        return (withWindow ? parsed.GetValue(_window) : null) switch
        {
            null => (thresholds, thresholds.MetricsWindow),
            var text when MetricsWindow.TryParse(text, out var window) => (thresholds, window),
            var text => throw new InputException($"--window is '{text}': write {MetricsWindow.Form}."),
        };
    }

    private async Task<QualityThresholds> ThresholdsAsync(ParseResult parsed, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var named = parsed.GetValue(_file) ?? surroundings.Variable(QualityThresholds.FileSetting);
        var path = surroundings.FullPath(named ?? QualityThresholds.FileName);
        if (named is null && !File.Exists(path))
        {
            return QualityThresholds.Default;
        }

        try
        {
            return QualityThresholds.Parse(await File.ReadAllTextAsync(path, cancellationToken), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The thresholds {path} cannot be read: {e.Message}", e);
        }
        catch (FormatException e)
        {
            throw new InputException(e.Message, e);
        }
    }
}
