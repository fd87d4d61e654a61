using System.Globalization;
using System.Text.Json;
using ChangeVerdict = Cogo.Core.Pipeline.Verdict;

namespace Cogo.Core.Workflows;

/// <summary>What a gate says.</summary>
public enum GateVerdict
{
    Pass,
    Fail,

    /// <summary>It could not tell: there is no data. Not a pass.</summary>
    Unknown,
}

/// <summary>One rule of a gate.</summary>
/// <param name="Actual">Absent when it is not known.</param>
/// <param name="Reason">In a sentence.</param>
public sealed record GateRuleAnswer(string Rule, string Expected, string? Actual, GateVerdict Verdict, string Reason);

/// <summary>A gate's answer: it passes when every rule does.</summary>
public sealed record GateAnswer(GateVerdict Verdict, IReadOnlyList<GateRuleAnswer> Rules)
{
    /// <summary>The gate at the end of a run, out of its last <c>build-test</c> step; null for a template without one.</summary>
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
            var reason = status == RunStatus.Failed ? "No change came to be tested." : "Nothing was tested: look at the run's reason.";
            return new GateAnswer(
                status == RunStatus.Failed ? GateVerdict.Fail : GateVerdict.Unknown,
                [new("build_test", "passed", null, status == RunStatus.Failed ? GateVerdict.Fail : GateVerdict.Unknown, reason)]);
        }

        var (total, failing) = Counts(result);
        GateRuleAnswer[] rules =
        [
            Rule("build_test", "passed", step.Verdict == ChangeVerdict.Passed ? "passed" : "failed", step.Verdict == ChangeVerdict.Passed, step.Text("message") ?? "The change builds and its tests pass."),
            Rule("tests_run", "at least 1", Text(total), total is null ? null : total > 0, total is null ? "The report does not count its tests." : $"{total} tests were run."),
            Rule("tests_failing", "0", Text(failing), failing is null ? null : failing == 0, failing is null ? "The report does not count its failures." : $"{failing} tests failed or broke."),
        ];
        var verdict = rules.Any(rule => rule.Verdict == GateVerdict.Fail) ? GateVerdict.Fail
            : rules.Any(rule => rule.Verdict == GateVerdict.Unknown) ? GateVerdict.Unknown
            : GateVerdict.Pass;
        return new GateAnswer(verdict, rules);
    }

    private static GateRuleAnswer Rule(string name, string expected, string? actual, bool? pass, string reason) =>
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

    private static string? Text(long? number) => number?.ToString(CultureInfo.InvariantCulture);
}
