using System.Globalization;
using System.Text.Json;
using Cogo.Core.Gates;
using ChangeVerdict = Cogo.Core.Pipeline.Verdict;

namespace Cogo.Core.Workflows;

/// <summary>The gate at the end of a run.</summary>
internal static class RunGate
{
    /// <summary>Its name in the audit log.</summary>
    public const string Name = "workflow";

    private const string NoData = "no data";

    /// <summary>Out of the run's last <c>build-test</c> step; null for a template without one.</summary>
    public static GateAnswer? Of(WorkflowRun run, WorkflowTemplate template, RunStatus status)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(template);
        if (!template.Steps.Contains(StepKind.BuildTest))
        {
            return null;
        }

        if (status is not (RunStatus.Passed or RunStatus.Failed)
            || run.Steps is not [.., { Status: StepStatus.Done, Name: "build-test", Result: { ValueKind: JsonValueKind.Object } result } step])
        {
            var (verdict, reason) = status == RunStatus.Failed
                ? (GateVerdict.Fail, "No change came to be tested.")
                : (GateVerdict.Unknown, "Nothing was tested: look at the run's reason.");
            return GateAnswer.Of(Name, null, [new GateRule("build_test", "passed", NoData, verdict, reason)]);
        }

        var (total, failing) = Counts(result);
        return GateAnswer.Of(Name, null,
        [
            Rule("build_test", "passed", step.Verdict == ChangeVerdict.Passed ? "passed" : "failed", step.Verdict == ChangeVerdict.Passed, step.Text("message") ?? "The change builds and its tests pass."),
            Rule("tests_run", "at least 1", Text(total), total is null ? null : total > 0, total is null ? "The report does not count its tests." : $"{total} tests were run."),
            Rule("tests_failing", "0", Text(failing), failing is null ? null : failing == 0, failing is null ? "The report does not count its failures." : $"{failing} tests failed or broke."),
        ]);
    }

    private static GateRule Rule(string name, string expected, string actual, bool? pass, string reason) =>
        new(name, expected, actual, pass switch { true => GateVerdict.Pass, false => GateVerdict.Fail, null => GateVerdict.Unknown }, reason);

    private static (long? Total, long? Failing) Counts(JsonElement result)
    {
        if (!result.TryGetProperty("tests", out var tests) || tests.ValueKind != JsonValueKind.Object)
        {
            return (null, null);
        }

        long? Count(string name) => tests.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;
        return (Count("total"), Count("failed") + Count("errored"));
    }

    private static string Text(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? NoData;
}
