using System.Globalization;
using System.Xml.Linq;

namespace Cogo.Workers.BuildTest.Reports;

/// <summary>
/// Visual Studio's TRX. Results are counted one by one (of a data-driven test its rows); the counters are not
/// believed. A run that was aborted counts as an errored case of its own.
/// </summary>
internal static class TrxReport
{
    public static List<TestCase> Read(XElement root, SourceLocation locations)
    {
        if (root.Name.LocalName != "TestRun")
            throw new MalformedReportException($"the root element is <{root.Name.LocalName}>, not <TestRun>");
        if (root.Child("ResultSummary") is not { } summary)
            throw new MalformedReportException("there is no <ResultSummary>: the run did not end");

        var classes = root.All("UnitTest")
            .Where(test => test.Text("id") is not null)
            .GroupBy(test => test.Text("id")!, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.First().Child("TestMethod")?.Text("className"), StringComparer.Ordinal);
        List<TestCase> cases =
        [
            .. root.All("UnitTestResult")
                .Where(result => result.Child("InnerResults") is null)
                .Select(result => ReadResult(result, classes, locations)),
        ];

        var aborted = summary.Text("outcome") is "Aborted" or "Error" or "Timeout" or "Disconnected";
        var reasons = summary.All("RunInfo").Where(info => info.Text("outcome") is "Error").Select(info => info.Child("Text")?.Value).ToList();
        // Adapters repeat each failing test as an error of the run; without one the error is news (a clean-up that threw).
        if (aborted || (reasons.Count > 0 && !cases.Exists(test => test.Outcome is TestOutcome.Failed or TestOutcome.Errored)))
        {
            cases.Add(new TestCase
            {
                Name = "(test run)",
                Outcome = TestOutcome.Errored,
                Message = TestCase.Cut(string.Join('\n', reasons)) ?? "The test run was aborted: " + summary.Text("outcome"),
            });
        }

        return cases;
    }

    private static TestCase ReadResult(XElement result, Dictionary<string, string?> classes, SourceLocation locations)
    {
        var outcome = result.Text("outcome") switch
        {
            "Passed" => TestOutcome.Passed,
            "Failed" => TestOutcome.Failed,
            "NotExecuted" or "Inconclusive" => TestOutcome.Skipped,
            _ => TestOutcome.Errored,
        };
        var error = result.Child("Output")?.Child("ErrorInfo");
        var stack = error?.Child("StackTrace")?.Value;
        var (file, line) = outcome is TestOutcome.Failed or TestOutcome.Errored ? locations.Find(stack) : (null, null);
        return new TestCase
        {
            Name = result.Text("testName") ?? throw new MalformedReportException("a <UnitTestResult> has no testName"),
            Suite = result.Text("testId") is { } id ? classes.GetValueOrDefault(id) : null,
            Outcome = outcome,
            Duration = TimeSpan.TryParse(result.Text("duration"), CultureInfo.InvariantCulture, out var duration) ? duration.TotalSeconds : null,
            File = file,
            Line = line,
            Message = TestCase.Cut(error?.Child("Message")?.Value),
        };
    }
}
