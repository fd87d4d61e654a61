using Cogo.Core.Processes;
using Cogo.Workers.BuildTest.Reports;

namespace Cogo.Workers.BuildTest.Projects;

/// <summary>What will be run in a folder, and where the results will be.</summary>
/// <param name="Kind">As in <see cref="BuildTestReport.Project"/>.</param>
/// <param name="Stages">In order; the last one is the test.</param>
internal sealed record ProjectPlan(string Kind, IReadOnlyList<PlannedStage> Stages)
{
    /// <summary>Reports that the test leaves in the working copy, beside those in the report folder.</summary>
    public IReadOnlyList<ReportPattern> Reports { get; init; } = [];

    /// <summary>Laid under the operator's limits: a project can only tighten them.</summary>
    public ProcessLimits Limits { get; init; } = new();

    /// <summary>The linter that the project names itself.</summary>
    public PlannedStage? Lint { get; init; }

    /// <summary>What to do when there is no report.</summary>
    public string ReportAdvice { get; init; } = "Let the test command write TRX, JUnit XML, TAP or go test -json into the folder $COGO_RESULTS, or name the files under 'reports' in cogo.json.";
}

/// <param name="Glob">Relative to the folder, with <c>*</c> and <c>**</c>.</param>
/// <param name="Format">Null: by the file's extension.</param>
internal sealed record ReportPattern(string Glob, ReportFormat? Format);

/// <summary>One command of the plan.</summary>
/// <param name="Name"><c>restore</c>, <c>build</c>, <c>lint</c> or <c>test</c>.</param>
internal sealed record PlannedStage(string Name, string FileName, IReadOnlyList<string> Arguments)
{
    public const string Restore = "restore";
    public const string Build = "build";
    public const string Lint = "lint";
    public const string Test = "test";

    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>For a tool whose report is its standard output: the report's name.</summary>
    public string? OutputReport { get; init; }

    /// <summary>The exit code by which the tool says that it, or a part of it, is not installed; and the advice.</summary>
    public (int ExitCode, string Advice)? MissingTool { get; init; }

    /// <summary>As one would type it.</summary>
    public string Command => FileName == "sh" && Arguments is ["-c", var script] ? script : string.Join(' ', [FileName, .. Arguments.Select(Quoted)]);

    public static PlannedStage Shell(string name, string script) => new(name, "sh", ["-c", script]);

    private static string Quoted(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsLetterOrDigit(c) || "-_./:=@%+,".Contains(c, StringComparison.Ordinal))
            ? argument
            : "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}

/// <summary>The folder cannot be built and tested as it is: the request's fault.</summary>
/// <param name="Class"><see cref="FailureClass.Unsupported"/> or <see cref="FailureClass.InvalidCogoJson"/>.</param>
internal sealed record DetectionProblem(string Class, string Message);

/// <summary>The places that a plan may name.</summary>
/// <param name="Folder">The working copy.</param>
/// <param name="Reports">Where reports are to be written; <c>$COGO_RESULTS</c> for commands.</param>
/// <param name="Tools">Where our own runners lie (see <c>Tools/</c>).</param>
internal sealed record ProjectFolder(string Folder, string Reports, string Tools)
{
    public const int MaxTextBytes = 1 << 20;

    public bool Has(string name) => File.Exists(Path.Combine(Folder, name));

    public bool HasFolder(string name) => Directory.Exists(Path.Combine(Folder, name));

    /// <summary>The text of a small file, or null when there is none. Beyond <see cref="MaxTextBytes"/> it is cut.</summary>
    public string? Text(string name)
    {
        var path = Path.Combine(Folder, name);
        // A pipe or a device has no length and would be read for ever.
        if (!File.Exists(path) || new FileInfo(path).Length == 0)
            return null;
        using var reader = new StreamReader(path);
        var buffer = new char[MaxTextBytes];
        return new string(buffer, 0, reader.ReadBlock(buffer, 0, buffer.Length));
    }
}
