using Cogo.Core.Gates;

namespace Cogo.Cli.Smoke;

/// <summary>Collects the checks of a smoke test as rules of a gate.</summary>
internal sealed class Checks
{
    private readonly List<GateRule> _rules = [];

    public void Add(string name, string expected, string actual, bool holds, string advice) =>
        _rules.Add(new GateRule(name, expected, actual, holds ? GateVerdict.Pass : GateVerdict.Fail, holds ? "As expected." : advice));

    /// <summary>It cannot be told, and neither can what would follow.</summary>
    public void Unknown(string name, string expected, string actual, string reason) =>
        _rules.Add(new GateRule(name, expected, actual, GateVerdict.Unknown, reason));

    public GateAnswer Answer(string smoke) => GateAnswer.Of($"smoke {smoke}", null, _rules);
}
