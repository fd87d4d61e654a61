using System.Text.Json;
using System.Text.Json.Serialization;
using Cogo.Core;
using Cogo.Core.Processes;
using Cogo.Workers.BuildTest.Reports;

namespace Cogo.Workers.BuildTest.Projects;

/// <summary>A folder that says itself how it is built and tested, as <c>configs/cogo.schema.json</c> describes.</summary>
internal static class CogoJsonProject
{
    public const string FileName = "cogo.json";

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    private sealed record CogoFile
    {
        [JsonPropertyName("$schema")]
        public string? Schema { get; init; }

        public string? Restore { get; init; }

        public string? Build { get; init; }

        public string? Lint { get; init; }

        public string? Test { get; init; }

        public IReadOnlyList<CogoReport>? Reports { get; init; }

        public CogoLimits? Limits { get; init; }
    }

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    private sealed record CogoReport
    {
        public string? Path { get; init; }

        public ReportFormat? Format { get; init; }
    }

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    private sealed record CogoLimits
    {
        public double? WallClockSeconds { get; init; }

        public double? NoOutputSeconds { get; init; }

        public long? MemoryMb { get; init; }

        public long? OutputMb { get; init; }

        public int? Processes { get; init; }
    }

    private static readonly JsonSerializerOptions _options = new(CogoJson.Options)
    {
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        PropertyNameCaseInsensitive = false,
    };

    public static (ProjectPlan? Plan, DetectionProblem? Problem) Detect(ProjectFolder folder)
    {
        CogoFile? file;
        try
        {
            file = JsonSerializer.Deserialize<CogoFile>(folder.Text(FileName) ?? "", _options);
        }
        catch (JsonException e)
        {
            return Wrong($"it does not read as configs/cogo.schema.json says at {e.Path ?? "$"}: {e.Message}");
        }

        if (string.IsNullOrWhiteSpace(file?.Test))
            return Wrong("'test' is missing: give the command line that runs the tests");

        List<ReportPattern> reports = [];
        foreach (var report in file.Reports ?? [])
        {
            if (Problem(report?.Path) is { } problem)
                return Wrong(problem);
            reports.Add(new ReportPattern(report!.Path!, report.Format));
        }

        if (file.Limits is { } limits && LimitProblem(limits) is { } limit)
            return Wrong(limit);

        List<PlannedStage> stages = [];
        void Add(string name, string? script)
        {
            if (!string.IsNullOrWhiteSpace(script))
                stages.Add(PlannedStage.Shell(name, script));
        }

        Add(PlannedStage.Restore, file.Restore);
        Add(PlannedStage.Build, file.Build);
        Add(PlannedStage.Test, file.Test);
        return (new ProjectPlan(FileName, stages)
        {
            Reports = reports,
            Limits = Limits(file.Limits),
            Lint = string.IsNullOrWhiteSpace(file.Lint) ? null : PlannedStage.Shell(PlannedStage.Lint, file.Lint),
        }, null);
    }

    private static string? Problem(string? glob)
    {
        if (string.IsNullOrWhiteSpace(glob))
            return "an entry of 'reports' has no 'path'";
        return glob.StartsWith('/') || glob.Contains('\\', StringComparison.Ordinal) || glob.Split('/').Contains("..", StringComparer.Ordinal)
            ? $"the report path '{glob}' leaves the folder: write it relative to cogo.json, with '/' and without '..'"
            : null;
    }

    private static string? LimitProblem(CogoLimits limits) =>
        limits.WallClockSeconds is not (null or (> 0 and <= 86_400)) ? "limits.wall_clock_seconds must be above 0 and at most 86400"
        : limits.NoOutputSeconds is not (null or (> 0 and <= 86_400)) ? "limits.no_output_seconds must be above 0 and at most 86400"
        : limits.MemoryMb is not (null or (> 0 and <= 1 << 24)) ? "limits.memory_mb must be above 0 and at most 16777216"
        : limits.OutputMb is not (null or (> 0 and <= 1 << 20)) ? "limits.output_mb must be above 0 and at most 1048576"
        : limits.Processes is not (null or > 0) ? "limits.processes must be above 0"
        : null;

    private static ProcessLimits Limits(CogoLimits? limits) => new()
    {
        WallClock = limits?.WallClockSeconds is { } wall ? TimeSpan.FromSeconds(wall) : null,
        NoOutput = limits?.NoOutputSeconds is { } silence ? TimeSpan.FromSeconds(silence) : null,
        MemoryBytes = limits?.MemoryMb << 20,
        OutputBytes = limits?.OutputMb << 20,
        Processes = limits?.Processes,
    };

    private static (ProjectPlan? Plan, DetectionProblem? Problem) Wrong(string what) =>
        (null, new DetectionProblem(FailureClass.InvalidCogoJson, $"cogo.json cannot be used: {what}."));
}
