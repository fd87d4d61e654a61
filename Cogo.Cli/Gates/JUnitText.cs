using System.Globalization;
using System.Xml.Linq;
using Cogo.Core.Gates;

namespace Cogo.Cli.Gates;

/// <summary>A gate's answer as JUnit XML: a rule is a test; one that could not tell is an error.</summary>
internal static class JUnitText
{
    public static string Of(GateAnswer answer)
    {
        string Count(GateVerdict verdict) => answer.Rules.Count(rule => rule.Verdict == verdict).ToString(CultureInfo.InvariantCulture);
        var suite = new XElement(
            "testsuite",
            new XAttribute("name", $"cogo gate {answer.Gate}"),
            new XAttribute("tests", answer.Rules.Count),
            new XAttribute("failures", Count(GateVerdict.Fail)),
            new XAttribute("errors", Count(GateVerdict.Unknown)),
            new XAttribute("skipped", Count(GateVerdict.Skipped)),
            answer.Rules.Select(rule => new XElement(
                "testcase", new XAttribute("classname", $"cogo.gate.{answer.Gate}"), new XAttribute("name", rule.Name), new XAttribute("time", "0"), Outcome(rule))));
        return new XDeclaration("1.0", "utf-8", null) + "\n" + new XElement("testsuites", suite) + "\n";
    }

    private static XElement? Outcome(GateRule rule)
    {
        var message = new XAttribute("message", Terminal.OneLine($"expected {rule.Expected}, actual {rule.Actual}", 500));
        var reason = Terminal.Clean(rule.Reason);
        return rule.Verdict switch
        {
            GateVerdict.Pass => null,
            GateVerdict.Fail => new XElement("failure", message, reason),
            GateVerdict.Skipped => new XElement("skipped", message),
            _ => new XElement("error", message, reason),
        };
    }
}
