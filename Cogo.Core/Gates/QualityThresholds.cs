using System.Text.Json;
using System.Text.Json.Serialization;
using Cogo.Core.Metrics;

namespace Cogo.Core.Gates;

/// <summary>What figures must reach, as <c>configs/quality_thresholds.json</c> says it and its schema describes.</summary>
public sealed record QualityThresholds
{
    /// <summary>Where it is looked for, from the working directory.</summary>
    public const string FileName = "configs/quality_thresholds.json";

    /// <summary>The setting that names another file.</summary>
    public const string FileSetting = "COGO_QUALITY_THRESHOLDS";

    private static readonly JsonSerializerOptions Strict = new(CogoJson.Options) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    [JsonPropertyName("$schema")]
    public string? Schema { get; init; }

    /// <summary>The span of time that figures are about, such as <c>24h</c>.</summary>
    public string Window { get; init; } = "24h";

    /// <summary>With fewer tasks, measurements or decisions a rule cannot tell.</summary>
    public int MinSamples { get; init; } = 1;

    public required UpperBound FailureRate { get; init; }

    public required LatencyBound P90Latency { get; init; }

    public required LowerBound DecisionQuality { get; init; }

    public required LowerBound Q1PassRate { get; init; }

    /// <summary>Those that Cogo comes with.</summary>
    public static QualityThresholds Default { get; } = LoadDefault();

    [JsonIgnore]
    public MetricsWindow MetricsWindow => MetricsWindow.TryParse(Window, out var window) ? window : throw new FormatException($"window is '{Window}': write {MetricsWindow.Form}.");

    /// <summary>Reads and checks the text of a file.</summary>
    /// <exception cref="FormatException">The text is no such document; the message says where and why.</exception>
    public static QualityThresholds Parse(string text, string name)
    {
        QualityThresholds thresholds;
        try
        {
            thresholds = JsonSerializer.Deserialize<QualityThresholds>(text, Strict) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw new FormatException($"{name} does not read as quality thresholds{(e.Path is null ? "" : $" at {e.Path}")}: {e.Message} configs/quality_thresholds.schema.json describes it.", e);
        }

        return thresholds.Problem() is { } problem ? throw new FormatException($"{name}: {problem}") : thresholds;
    }

    private string? Problem()
    {
        static string? Share(string name, double? value) => value is >= 0 and <= 1 ? null : $"{name} is {value}: use 0 to 1.";
        if (FailureRate is null || P90Latency is null || DecisionQuality is null || Q1PassRate is null)
        {
            return "a bound is null: leave none out.";
        }

        return !MetricsWindow.TryParse(Window, out _) ? $"window is '{Window}': write {MetricsWindow.Form}."
            : MinSamples is < 1 or > 1_000_000 ? $"min_samples is {MinSamples}: use 1 to 1000000."
            : !Metrics.Stages.All.Contains(P90Latency.Stage, StringComparer.Ordinal) ? $"p90_latency.stage is '{P90Latency.Stage}': use one of {string.Join(", ", Metrics.Stages.All)}."
            : P90Latency.MaxSeconds is not (> 0 and <= 86400) ? $"p90_latency.max_seconds is {P90Latency.MaxSeconds}: use more than 0, up to 86400."
            : Share("failure_rate.max", FailureRate.Max) ?? Share("decision_quality.min", DecisionQuality.Min) ?? Share("q1_pass_rate.min", Q1PassRate.Min);
    }

    private static QualityThresholds LoadDefault()
    {
        using var reader = new StreamReader(typeof(QualityThresholds).Assembly.GetManifestResourceStream(FileName)!);
        return Parse(reader.ReadToEnd(), FileName);
    }
}

/// <param name="Max">Not more than this share, 0 to 1.</param>
public sealed record UpperBound([property: JsonRequired] double Max);

/// <param name="Min">Not less than this share, 0 to 1.</param>
public sealed record LowerBound([property: JsonRequired] double Min);

/// <param name="MaxSeconds">Not more than this.</param>
/// <param name="Stage">One of <see cref="Stages"/>.</param>
public sealed record LatencyBound([property: JsonRequired] double MaxSeconds, string Stage = Stages.QueueWait);
