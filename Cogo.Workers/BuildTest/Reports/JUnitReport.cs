using System.Globalization;
using System.Xml.Linq;

namespace Cogo.Workers.BuildTest.Reports;

/// <summary>
/// JUnit XML of any dialect: root <c>testsuites</c> or <c>testsuite</c>, suites nested at will. Cases are counted one
/// by one; the counters in the attributes are not believed.
/// </summary>
internal static class JUnitReport
{
    public static List<TestCase> Read(XElement root, SourceLocation locations)
    {
        if (root.Name.LocalName is not ("testsuites" or "testsuite"))
            throw new MalformedReportException($"the root element is <{root.Name.LocalName}>, not <testsuites> or <testsuite>");
        return [.. root.All("testcase").Select(element => ReadCase(element, locations))];
    }

    private static TestCase ReadCase(XElement element, SourceLocation locations)
    {
        var error = element.Child("error");
        var failure = element.Child("failure");
        var outcome = error is not null ? TestOutcome.Errored
            : failure is not null ? TestOutcome.Failed
            : element.Child("skipped") is not null || element.Text("status") is "notrun" or "skipped" or "disabled" ? TestOutcome.Skipped
            : TestOutcome.Passed;

        var detail = error ?? failure;
        var message = detail?.Text("message");
        var body = detail?.Value;
        var file = locations.Relative(element.Text("file") ?? element.Parent?.Text("file") ?? element.Parent?.Text("filepath"));
        var line = int.TryParse(element.Text("line"), CultureInfo.InvariantCulture, out var number) && number > 0 ? number : (int?)null;
        if (detail is not null)
        {
            // The failure itself is nearer to the cause than the place where the test begins.
            var (foundFile, foundLine) = locations.Find(body);
            if (foundFile is null)
                (foundFile, foundLine) = locations.Find(message);
            // Rust's harness tells the reason only as the test's output.
            if (string.IsNullOrWhiteSpace(body) && message is null)
            {
                body = element.Child("system-out")?.Value;
                (foundFile, foundLine) = locations.Find(body);
            }

            if (foundFile is not null)
                (file, line) = (foundFile, foundLine);
        }

        return new TestCase
        {
            Name = element.Text("name") ?? throw new MalformedReportException("a <testcase> has no name"),
            Suite = element.Text("classname") ?? element.Parent?.Text("name"),
            Outcome = outcome,
            Duration = element.Seconds("time"),
            File = file,
            Line = file is null ? null : line,
            Message = TestCase.Cut(message is null || (body?.Contains(message, StringComparison.Ordinal) ?? false) ? body : message + "\n" + body),
        };
    }
}
