using System.Globalization;
using Cogo.Workers.BuildTest.Projects;
using Cogo.Workers.BuildTest.Reports;
using Cogo.Workers.BuildTest.Stages;

namespace Cogo.Workers.BuildTest;

/// <summary>
/// The verdict, rule by rule. Green means: every stage exited with 0, there are well-formed reports, at least one test
/// passed, none failed, and exit code and results say the same.
/// </summary>
internal static class Gate
{
    public static (GateReport Report, Failure? Failure) Judge(
        ProjectPlan plan, IReadOnlyList<StageReport> stages, Failure? stageFailure, CollectedReports reports, TestSummary tests)
    {
        var exits = plan.Stages
            .Select(stage => (stage, report: stages.FirstOrDefault(report => report.Name == stage.Name)))
            .Select(pair => new GateRule(pair.stage.Name + "_exit", "0", Ending(pair.report), pair.report is { Exit: 0 }))
            .ToList();
        var test = stages.FirstOrDefault(stage => stage.Name == PlannedStage.Test);
        var bad = tests.Failed + tests.Errored;
        List<GateRule> rules = [.. exits];
        if (test is not null)
        {
            rules.Add(new("reports", "at least 1, all well-formed", reports.Malformed is null ? Number(reports.Reports) : "malformed", reports.Malformed is null && reports.Reports > 0));
            rules.Add(new("tests_passed", "at least 1", Number(tests.Passed), tests.Passed > 0));
            rules.Add(new("tests_failed", "0", Number(bad), bad == 0));
            rules.Add(new("exit_agrees_with_results", bad == 0 ? "0" : "not 0", Ending(test), (test.Exit == 0) == (bad == 0)));
        }

        // Limits, signals and the machine are certain; an exit code by itself is read together with the results.
        var failure = stageFailure is not null && (test is null || stageFailure.Class != FailureClass.ExitCode)
            ? stageFailure
            : test is null ? null : OfTests(plan, test, stageFailure, reports, tests);
        var verdict = failure?.Verdict ?? Verdict.Passed;
        if (verdict == Verdict.Passed && rules.Exists(rule => !rule.Pass))
            throw new InvalidOperationException("The verdict is passed although a rule is not kept: " + rules.Find(rule => !rule.Pass)!.Name);
        return (new GateReport(rules, verdict), failure);
    }

    private static Failure? OfTests(ProjectPlan plan, StageReport test, Failure? exit, CollectedReports reports, TestSummary tests)
    {
        var tail = exit is null ? "" : "\n" + exit.Message;
        if (reports.Malformed is { } malformed)
            return Failure.OfChange(FailureClass.ReportMalformed, malformed + tail);
        if (reports.Reports == 0)
            return Failure.OfChange(FailureClass.ReportMissing, $"The test command left no test report, so nothing shows that a test ran. {plan.ReportAdvice}{tail}");
        if (tests.Total == 0)
            return Failure.OfChange(FailureClass.NoTests, "The test report holds no test: nothing was tested. Check the test command's filter and that the tests are found." + tail);
        if (tests.Failed + tests.Errored > 0)
        {
            return test.Exit == 0
                ? Failure.OfChange(FailureClass.ResultsDisagree, $"{Failing(tests)}\nThe test command exited with 0 all the same: let it exit with the result of its tests.")
                : Failure.OfChange(FailureClass.TestsFailed, Failing(tests));
        }

        if (exit is not null)
            return Failure.OfChange(FailureClass.ExitCode, $"All {tests.Passed} tests of the report passed, and yet the test command failed: a part of it is not in the report.{tail}");
        return tests.Passed == 0
            ? Failure.OfChange(FailureClass.AllSkipped, $"All {tests.Total} tests were skipped: nothing was tested.")
            : null;
    }

    private static string Failing(TestSummary tests)
    {
        var bad = tests.Failed + tests.Errored;
        var first = tests.Cases.Where(test => test.Outcome is TestOutcome.Failed or TestOutcome.Errored).Take(5).Select(Line);
        return $"{bad} of {tests.Total} tests failed:\n{string.Join('\n', first)}{(bad > 5 ? $"\nand {bad - 5} more" : "")}";
    }

    private static string Line(TestCase test)
    {
        var place = test.File is null ? "" : test.Line is null ? $" ({test.File})" : $" ({test.File}:{test.Line})";
        var message = test.Message?.Split('\n').Select(line => line.Trim()).FirstOrDefault(line => line.Length > 0) ?? "";
        return $"- {(test.Suite is null ? "" : test.Suite + " > ")}{test.Name}{place}{(message.Length == 0 ? "" : ": " + (message.Length <= 200 ? message : message[..200] + " …"))}";
    }

    private static string Ending(StageReport? stage) =>
        stage is null ? "did not run"
        : stage.Exit is { } exit ? Number(exit)
        : stage.StopReason != Core.Processes.StopReason.None ? "ended by the limit on " + stage.StopReason
        : stage.Signal ?? "unknown";

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
