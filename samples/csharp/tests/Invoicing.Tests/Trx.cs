using System.Xml.Linq;

namespace Invoicing.Tests;

public sealed record TestResult(string ClassName, string Name, TimeSpan Duration, Exception? Failure);

/// <summary>The results as Visual Studio's test tools write them.</summary>
public static class Trx
{
    private static readonly XNamespace Ns = "http://microsoft.com/schemas/VisualStudio/TeamTest/2010";

    public static void Write(string path, IReadOnlyList<TestResult> results)
    {
        var tests = results.Select(result => (Id: Guid.NewGuid(), Result: result)).ToList();
        var outcome = results.All(result => result.Failure is null) ? "Completed" : "Failed";
        new XElement(
            Ns + "TestRun",
            new XAttribute("id", Guid.NewGuid()),
            new XElement(Ns + "Results", tests.Select(test => Result(test.Id, test.Result))),
            new XElement(Ns + "TestDefinitions", tests.Select(test => Definition(test.Id, test.Result))),
            new XElement(Ns + "ResultSummary", new XAttribute("outcome", outcome))).Save(path);
    }

    private static XElement Result(Guid id, TestResult result) => new(
        Ns + "UnitTestResult",
        new XAttribute("testId", id),
        new XAttribute("testName", result.Name),
        new XAttribute("duration", result.Duration.ToString("c")),
        new XAttribute("outcome", result.Failure is null ? "Passed" : "Failed"),
        result.Failure is null ? null : new XElement(
            Ns + "Output",
            new XElement(
                Ns + "ErrorInfo",
                new XElement(Ns + "Message", result.Failure.Message),
                new XElement(Ns + "StackTrace", result.Failure.StackTrace))));

    private static XElement Definition(Guid id, TestResult result) => new(
        Ns + "UnitTest",
        new XAttribute("id", id),
        new XAttribute("name", result.Name),
        new XElement(Ns + "TestMethod", new XAttribute("className", result.ClassName), new XAttribute("name", result.Name)));
}
