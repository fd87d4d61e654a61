namespace Cogo.Core.Gates;

/// <summary>What a gate or one of its rules says.</summary>
public enum GateVerdict
{
    Pass,

    Fail,

    /// <summary>It could not tell: there is no data, or the machine is at fault. Not a pass.</summary>
    Unknown,

    /// <summary>The rule does not apply here, and does not count.</summary>
    Skipped,
}

/// <summary>One rule of a gate.</summary>
/// <param name="Expected">What must be, such as <c>&gt;= 85 %</c>.</param>
/// <param name="Actual">What is.</param>
/// <param name="Reason">The verdict in a sentence; of a rule that did not pass, with what to look at.</param>
public sealed record GateRule(string Name, string Expected, string Actual, GateVerdict Verdict, string Reason);

/// <summary>A gate's answer, rule by rule.</summary>
/// <param name="Gate">Its name, such as <c>q1</c>.</param>
/// <param name="Window">The span of time that its figures are about; null: it is about the moment.</param>
public sealed record GateAnswer(string Gate, GateVerdict Verdict, string? Window, IReadOnlyList<GateRule> Rules)
{
    /// <summary>Fails when a rule fails, else cannot tell when a rule cannot, or when none applies.</summary>
    public static GateAnswer Of(string gate, string? window, IReadOnlyList<GateRule> rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        var verdict = rules.Any(rule => rule.Verdict == GateVerdict.Fail) ? GateVerdict.Fail
            : rules.Any(rule => rule.Verdict == GateVerdict.Unknown) || rules.All(rule => rule.Verdict == GateVerdict.Skipped) ? GateVerdict.Unknown
            : GateVerdict.Pass;
        return new GateAnswer(gate, verdict, window, rules);
    }
}
