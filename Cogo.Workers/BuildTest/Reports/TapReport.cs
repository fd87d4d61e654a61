using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Cogo.Workers.BuildTest.Reports;

/// <summary>
/// TAP 13 and 14, subtests included. The plan is the evidence that everything ran: without one the report is
/// malformed, and a different number of tests is a failure. A test with subtests is counted by its subtests.
/// </summary>
internal sealed partial class TapReport
{
    private sealed class Level
    {
        public int? Planned { get; set; }
        public int Seen { get; set; }
        public List<TestCase> Cases { get; } = [];
    }

    private readonly SourceLocation _locations;
    private readonly List<Level> _levels = [new()];
    private List<TestCase>? _subtests;
    private bool _bailed;

    private TapReport(SourceLocation locations) => _locations = locations;

    public static List<TestCase> Read(TextReader reader, SourceLocation locations) => new TapReport(locations).Read(reader);

    private List<TestCase> Read(TextReader reader)
    {
        TestCase? last = null;
        var lastDepth = 0;
        while (!_bailed && reader.ReadLine() is { } line)
        {
            var text = line.TrimStart(' ');
            var indent = line.Length - text.Length;
            if (text == "---" && last is not null && indent == (lastDepth * 4) + 2)
            {
                var amended = WithDiagnosis(last, ReadDiagnosis(reader, indent));
                Replace(lastDepth, last, amended);
                last = amended;
                continue;
            }

            if (indent % 4 != 0 || !(Plan().IsMatch(text) || TestPoint().IsMatch(text) || text.StartsWith("Bail out!", StringComparison.Ordinal)))
                continue;
            MoveTo(indent / 4);
            if (Plan().Match(text) is { Success: true } plan)
            {
                ReadPlan(plan);
            }
            else if (TestPoint().Match(text) is { Success: true } point)
            {
                last = ReadPoint(point);
                lastDepth = _levels.Count - 1;
            }
            else
            {
                _bailed = true;
                _levels[0].Cases.Add(Errored("Bail out!", text));
            }
        }

        if (_bailed)
            return [.. _levels.SelectMany(level => level.Cases)];
        MoveTo(0);
        if (_subtests is not null)
            _levels[0].Cases.AddRange([.. _subtests, Errored("(subtests)", "Subtests ended without the test they belong to.")]);
        if (_levels[0].Planned is null)
            throw new MalformedReportException("there is no plan (1..N), so it is not known whether all tests ran");
        Close(_levels[0]);
        return _levels[0].Cases;
    }

    private void MoveTo(int depth)
    {
        while (_levels.Count - 1 > depth)
        {
            var closed = _levels[^1];
            Close(closed);
            _levels.RemoveAt(_levels.Count - 1);
            _subtests = [.. _subtests ?? [], .. closed.Cases];
        }

        if (_levels.Count - 1 >= depth)
            return;
        if (depth > 64)
            throw new MalformedReportException("subtests are nested more than 64 deep");
        while (_levels.Count - 1 < depth)
            _levels.Add(new Level());
    }

    private static void Close(Level level)
    {
        if (level.Planned is { } planned && planned != level.Seen)
            level.Cases.Add(Errored("(plan)", $"The plan says {planned} tests, {level.Seen} ran."));
    }

    private void ReadPlan(Match plan)
    {
        var level = _levels[^1];
        if (level.Planned is not null)
            throw new MalformedReportException("there are two plans");
        if (!int.TryParse(plan.Groups["last"].Value, CultureInfo.InvariantCulture, out var planned))
            throw new MalformedReportException("the plan is out of range: " + plan.Value);
        level.Planned = planned;
    }

    private TestCase ReadPoint(Match point)
    {
        var level = _levels[^1];
        level.Seen++;
        var ok = !point.Groups["not"].Success;
        var directive = point.Groups["directive"].Value.ToUpperInvariant();
        var outcome = directive switch
        {
            "SKIP" => TestOutcome.Skipped,
            // Known to be unfinished: a failure is expected and a success is a bonus.
            "TODO" => ok ? TestOutcome.Passed : TestOutcome.Skipped,
            _ => ok ? TestOutcome.Passed : TestOutcome.Failed,
        };
        var number = point.Groups["number"].Value;
        var name = point.Groups["name"].Value.Trim();
        var test = new TestCase { Name = name.Length > 0 ? name : "test " + (number.Length > 0 ? number : level.Seen.ToString(CultureInfo.InvariantCulture)), Outcome = outcome };
        if (_subtests is { } subtests)
        {
            _subtests = null;
            level.Cases.AddRange(subtests.Select(sub => sub with { Suite = sub.Suite is null ? test.Name : test.Name + " > " + sub.Suite }));
            // The parent says it failed where no subtest did (a hook, a lost promise), or holds nothing else.
            var explained = subtests.Exists(sub => sub.Outcome is TestOutcome.Failed or TestOutcome.Errored);
            if (subtests.Count > 0 && (explained || outcome != TestOutcome.Failed))
                return test;
        }

        level.Cases.Add(test);
        return test;
    }

    private void Replace(int depth, TestCase old, TestCase amended)
    {
        if (depth >= _levels.Count)
            return;
        var cases = _levels[depth].Cases;
        if (cases.Count > 0 && ReferenceEquals(cases[^1], old))
            cases[^1] = amended;
    }

    private TestCase WithDiagnosis(TestCase test, string diagnosis)
    {
        if (test.Outcome is not TestOutcome.Failed)
            return test;
        var (file, line) = _locations.Find(diagnosis);
        var named = Key("file").Match(diagnosis);
        if (file is null && named.Success && _locations.Relative(named.Groups["value"].Value) is { } relative)
        {
            file = relative;
            line = int.TryParse(Key("line").Match(diagnosis).Groups["value"].Value, CultureInfo.InvariantCulture, out var number) ? number : null;
        }

        return test with { File = file, Line = line, Message = TestCase.Cut(diagnosis) };
    }

    private static string ReadDiagnosis(TextReader reader, int indent)
    {
        var text = new StringBuilder();
        while (reader.ReadLine() is { } line)
        {
            var cut = line.Length >= indent && string.IsNullOrWhiteSpace(line[..indent]) ? line[indent..] : line.TrimStart();
            if (cut == "...")
                return text.ToString();
            if (text.Length < 20_000)
                text.Append(cut).Append('\n');
        }

        throw new MalformedReportException("it ends inside a diagnosis (--- without ...)");
    }

    private static TestCase Errored(string name, string message) => new() { Name = name, Outcome = TestOutcome.Errored, Message = TestCase.Cut(message) };

    private static Regex Key(string name) =>
        new($"^{name}: *['\"]?(?<value>[^'\"\n]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));

    [GeneratedRegex(@"^1\.\.(?<last>\d+)(\s*#.*)?\s*$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Plan();

    [GeneratedRegex(
        @"^(?<not>not )?ok\b( +(?<number>\d+))?( +-)?(?<name>([^#\\]|\\.|#(?! *(skip|todo)\b))*)(# *(?<directive>skip|todo)\b.*)?$",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex TestPoint();
}
