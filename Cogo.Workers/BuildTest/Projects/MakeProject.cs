using System.Text.RegularExpressions;

namespace Cogo.Workers.BuildTest.Projects;

/// <summary>A Makefile with a target <c>test</c> or <c>check</c>; its reports are found by their usual names.</summary>
internal static partial class MakeProject
{
    /// <summary>Names that test tools give their reports by habit.</summary>
    public static readonly ReportPattern[] UsualReports =
    [
        .. new[] { "**/TEST-*.xml", "**/junit*.xml", "**/*-junit.xml", "**/test-results.xml", "**/test-results/**/*.xml", "**/test-reports/**/*.xml", "**/*.trx", "**/*.tap" }
            .Select(glob => new ReportPattern(glob, null)),
    ];

    public static ProjectPlan? Detect(ProjectFolder folder)
    {
        var text = folder.Text("GNUmakefile") ?? folder.Text("makefile") ?? folder.Text("Makefile");
        if (text is null || Target().Match(text) is not { Success: true } target)
            return null;
        return new ProjectPlan("make", [new PlannedStage(PlannedStage.Test, "make", [target.Groups["name"].Value])]) { Reports = UsualReports };
    }

    [GeneratedRegex(@"^(?<name>test|check)\s*:(?!=)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Target();
}
