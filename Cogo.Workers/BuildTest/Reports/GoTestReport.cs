using System.Text.Json;

namespace Cogo.Workers.BuildTest.Reports;

/// <summary>The event stream of <c>go test -json</c>. A test that ran and never ended crashed.</summary>
internal static class GoTestReport
{
    private sealed class Progress
    {
        public TestOutcome? Outcome { get; set; }
        public double? Duration { get; set; }
        public System.Text.StringBuilder Output { get; } = new();
    }

    public static List<TestCase> Read(TextReader reader, SourceLocation locations)
    {
        Dictionary<(string Package, string? Test), Progress> all = [];
        var number = 0;
        var events = 0;
        while (reader.ReadLine() is { } line)
        {
            number++;
            // Older toolchains mix plain words of the build into the stream.
            if (!line.StartsWith('{'))
                continue;
            events++;
            Add(all, line, number);
        }

        if (events == 0)
            throw new MalformedReportException("there is no event in it");

        List<TestCase> cases = [];
        foreach (var ((package, test), progress) in all)
        {
            if (test is not null)
                cases.Add(Case(package, test, progress.Outcome ?? TestOutcome.Errored, progress, locations, progress.Outcome is null ? "The test began and never ended: it crashed or was killed.\n" : ""));
        }

        // A package fails by itself when it does not compile, or when it panics outside a test.
        foreach (var ((package, test), progress) in all)
        {
            var alone = test is null && !cases.Exists(known => known.Suite == package && known.Outcome is TestOutcome.Failed or TestOutcome.Errored);
            if (alone && progress.Outcome is TestOutcome.Failed)
                cases.Add(Case(package, "(package)", TestOutcome.Errored, progress, locations, ""));
            else if (alone && progress.Outcome is null)
                cases.Add(Case(package, "(package)", TestOutcome.Errored, progress, locations, "The package's tests began and never ended.\n"));
        }

        return cases;
    }

    private static void Add(Dictionary<(string Package, string? Test), Progress> all, string line, int number)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            string? Text(string name) => root.TryGetProperty(name, out var value) ? value.GetString() : null;
            var action = Text("Action") ?? throw new MalformedReportException($"line {number} has no Action");
            if (Text("Package") is not { } package)
                return; // build-output and build-fail name an import path; the package's own "fail" follows
            var key = (package, Text("Test"));
            if (!all.TryGetValue(key, out var progress))
                all.Add(key, progress = new Progress());
            switch (action)
            {
                case "pass":
                    progress.Outcome = TestOutcome.Passed;
                    break;
                case "fail":
                    progress.Outcome = TestOutcome.Failed;
                    break;
                case "skip":
                    progress.Outcome = TestOutcome.Skipped;
                    break;
                case "output" when progress.Output.Length < 20_000:
                    progress.Output.Append(Text("Output"));
                    break;
            }

            if (root.TryGetProperty("Elapsed", out var elapsed))
                progress.Duration = elapsed.GetDouble();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new MalformedReportException($"line {number} is not an event: {e.Message}", e);
        }
    }

    private static TestCase Case(string package, string name, TestOutcome outcome, Progress progress, SourceLocation locations, string prefix)
    {
        var bad = outcome is TestOutcome.Failed or TestOutcome.Errored;
        var output = progress.Output.ToString();
        var (file, line) = bad ? FindIn(package, output, locations) : (null, null);
        return new TestCase
        {
            Name = name,
            Suite = package,
            Outcome = outcome,
            Duration = progress.Duration,
            File = file,
            Line = line,
            Message = bad ? TestCase.Cut(prefix + output) : null,
        };
    }

    /// <summary>Go names files without their folder; the folder is the end of the package's import path.</summary>
    private static (string? File, int? Line) FindIn(string package, string output, SourceLocation locations)
    {
        var found = locations.Find(output);
        if (found.File is not null)
            return found;
        var match = System.Text.RegularExpressions.Regex.Match(
            output, @"^\s*(?<file>[\w.-]+\.go):(?<line>\d+)", System.Text.RegularExpressions.RegexOptions.Multiline | System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
        if (!match.Success)
            return (null, null);
        var folders = package.Split('/');
        for (var skip = 0; skip <= folders.Length; skip++)
        {
            var path = string.Join('/', [.. folders.Skip(skip), match.Groups["file"].Value]);
            if (locations.Relative(path) is { } file)
                return (file, int.Parse(match.Groups["line"].Value, System.Globalization.CultureInfo.InvariantCulture));
        }

        return (null, null);
    }
}
