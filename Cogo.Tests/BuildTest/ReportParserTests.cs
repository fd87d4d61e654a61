using System.Xml.Linq;
using Cogo.Tests.Fixtures;
using Cogo.Workers.BuildTest.Reports;
using Xunit;

namespace Cogo.Tests.BuildTest;

public sealed class ReportParserTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CoberturaReport _coverage = new();

    public void Dispose() => _folder.Dispose();

    private List<TestCase> Read(string name, string text, params string[] sources)
    {
        foreach (var source in sources)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder.In(source))!);
            File.WriteAllText(_folder.In(source), "");
        }

        File.WriteAllText(_folder.In(name), text);
        List<TestCase> cases = [];
        ReportFile.Read(_folder.In(name), name, ReportFile.FormatOf(name)!.Value, new SourceLocation(_folder.Path), cases, _coverage);
        return cases;
    }

    private string Refused(string name, string text)
    {
        var e = Assert.Throws<MalformedReportException>(() => Read(name, text));
        Assert.Contains(name, e.Message, StringComparison.Ordinal);
        return e.Message;
    }

    private static string Shape(IEnumerable<TestCase> cases) =>
        string.Join(", ", cases.Select(test => $"{test.Suite}/{test.Name}:{test.Outcome}{(test.File is null ? "" : $"@{test.File}:{test.Line}")}"));

    [Fact]
    public void Trx_results_are_counted_one_by_one_whatever_its_counters_say()
    {
        var cases = Read(
            "a.trx",
            $"""
            <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
              <Results>
                <UnitTestResult testId="1" testName="good" outcome="Passed" duration="00:00:01.5" />
                <UnitTestResult testId="2" testName="bad" outcome="Failed">
                  <Output><ErrorInfo><Message>no</Message><StackTrace>   at X.Y() in /elsewhere/X.cs:line 1
               at A.B() in {_folder.Path}/src/A b.cs:line 42</StackTrace></ErrorInfo></Output>
                </UnitTestResult>
                <UnitTestResult testId="3" testName="rows" outcome="Passed"><InnerResults>
                  <UnitTestResult testId="3" testName="rows(1)" outcome="Passed" />
                  <UnitTestResult testId="3" testName="rows(2)" outcome="NotExecuted" />
                </InnerResults></UnitTestResult>
              </Results>
              <TestDefinitions><UnitTest id="2"><TestMethod className="A" name="B" /></UnitTest></TestDefinitions>
              <ResultSummary outcome="Completed"><Counters total="99" passed="99" failed="0" /></ResultSummary>
            </TestRun>
            """,
            "src/A b.cs");

        Assert.Equal("/good:Passed, A/bad:Failed@src/A b.cs:42, /rows(1):Passed, /rows(2):Skipped", Shape(cases));
        Assert.Equal(1.5, cases[0].Duration);
        Assert.Equal("no", cases[1].Message);
    }

    [Fact]
    public void An_aborted_trx_run_is_an_error_of_its_own() =>
        Assert.Equal(
            "/a:Passed, /(test run):Errored",
            Shape(Read("a.trx", """<TestRun><Results><UnitTestResult testName="a" outcome="Passed"/></Results><ResultSummary outcome="Aborted"/></TestRun>""")));

    [Theory]
    [InlineData("Passed", "/a:Passed, /(test run):Errored")]
    [InlineData("Failed", "/a:Failed")]
    public void An_error_of_the_trx_run_counts_unless_it_repeats_a_failing_test(string outcome, string shape) =>
        Assert.Equal(
            shape,
            Shape(Read("a.trx", $"""<TestRun><Results><UnitTestResult testName="a" outcome="{outcome}"/></Results><ResultSummary outcome="Failed"><RunInfos><RunInfo outcome="Error"><Text>[xUnit.net] a [FAIL]</Text></RunInfo></RunInfos></ResultSummary></TestRun>""")));

    [Fact]
    public void Junit_suites_nest_and_an_error_is_not_a_failure()
    {
        var cases = Read(
            "junit.xml",
            """
            <testsuites tests="1" failures="0"><testsuite name="outer"><testsuite name="inner">
              <testcase name="a" classname="C" time="0.25"/>
              <testcase name="b"><failure message="expected 1">tests/t.py:7: AssertionError</failure></testcase>
              <testcase name="c"><error message="boom"/></testcase>
              <testcase name="d"><skipped/></testcase>
            </testsuite></testsuite></testsuites>
            """,
            "tests/t.py");

        Assert.Equal("C/a:Passed, inner/b:Failed@tests/t.py:7, inner/c:Errored, inner/d:Skipped", Shape(cases));
        Assert.Equal("expected 1\ntests/t.py:7: AssertionError", cases[1].Message);
    }

    [Theory]
    [InlineData("    at Object.<anonymous> (/elsewhere/x.js:1:1)\n    at f ({0}/src/f.test.js:12:3)", "src/f.test.js", 12)]
    [InlineData("    at f (file://{0}/src/f.test.js:12:3)", "src/f.test.js", 12)]
    [InlineData("  File \"{0}/src/f.test.js\", line 3, in test", "src/f.test.js", 3)]
    [InlineData("thread 'a' (7) panicked at src/f.test.js:8:19:", "src/f.test.js", 8)]
    [InlineData("    at f ({0}/node_modules/x/f.js:12:3)\n    at g ({0}/src/f.test.js:9:3)", "src/f.test.js", 9)]
    [InlineData("at ../outside.js:3", null, null)]
    [InlineData("not ok at many words before src/f.test.js:4", "src/f.test.js", 4)]
    [InlineData("at src/none.js:3", null, null)]
    public void A_failure_is_placed_by_the_first_frame_in_the_working_copy(string trace, string? file, int? line)
    {
        var text = new XElement("testsuite", new XElement("testcase", new XAttribute("name", "a"), new XElement("failure", trace.Replace("{0}", _folder.Path, StringComparison.Ordinal))));
        var test = Assert.Single(Read("junit.xml", text.ToString(), "src/f.test.js", "node_modules/x/f.js"));

        Assert.Equal((file, line), (test.File, test.Line));
    }

    [Fact]
    public void Tap_plans_directives_diagnoses_and_subtests_are_understood()
    {
        var cases = Read(
            "a.tap",
            """
            TAP version 13
            # Subtest: group
                ok 1 - inner one
                not ok 2 - inner two
                  ---
                  error: 'no'
                  at: tests/t.js:5:1
                  ...
                1..2
            not ok 1 - group
            ok 2 - skipped # SKIP no network
            not ok 3 - later # TODO
            1..3
            """,
            "tests/t.js");

        Assert.Equal("group/inner one:Passed, group/inner two:Failed@tests/t.js:5, /skipped:Skipped, /later:Skipped", Shape(cases));
    }

    [Fact]
    public void A_tap_plan_that_is_not_kept_is_an_error()
    {
        Assert.Equal("/a:Passed, /(plan):Errored", Shape(Read("a.tap", "1..2\nok 1 - a\n")));
        Assert.Equal("/a:Passed, /Bail out!:Errored", Shape(Read("b.tap", "1..2\nok 1 - a\nBail out! no database\n")));
        Assert.Empty(Read("c.tap", "1..0 # nothing to do\n"));
    }

    [Fact]
    public void A_go_test_that_never_ended_crashed_and_a_package_that_does_not_build_is_an_error()
    {
        var cases = Read(
            "go-test.json",
            """
            {"Action":"run","Package":"ex.com/m/p","Test":"TestA"}
            {"Action":"pass","Package":"ex.com/m/p","Test":"TestA","Elapsed":0.5}
            {"Action":"run","Package":"ex.com/m/p","Test":"TestB"}
            {"Action":"output","Package":"ex.com/m/p","Test":"TestB","Output":"    p_test.go:9: want 1\n"}
            {"Action":"fail","Package":"ex.com/m/p","Test":"TestB"}
            {"Action":"run","Package":"ex.com/m/p","Test":"TestC"}
            {"Action":"fail","Package":"ex.com/m/p"}
            {"Action":"fail","Package":"ex.com/m/q"}
            """,
            "p/p_test.go");

        Assert.Equal("ex.com/m/p/TestA:Passed, ex.com/m/p/TestB:Failed@p/p_test.go:9, ex.com/m/p/TestC:Errored, ex.com/m/q/(package):Errored", Shape(cases));
    }

    [Fact]
    public void Coverage_of_several_reports_unites_the_hits_of_a_line()
    {
        const string one = """<coverage><packages><class filename="a.cs"><lines><line number="1" hits="1"/><line number="2" hits="0"/><line number="3" hits="0"/></lines></class></packages></coverage>""";
        Assert.Empty(Read("one.xml", one));
        Assert.Empty(Read("two.xml", one.Replace("number=\"2\" hits=\"0\"", "number=\"2\" hits=\"7\"", StringComparison.Ordinal)));

        Assert.Equal((3, 2, 0.6667), (_coverage.Total!.LinesTotal, _coverage.Total.LinesCovered, _coverage.Total.LineRate));
    }

    [Theory]
    [InlineData("a.trx", "<TestRun><Results><UnitTestResult testName=\"a\" outcome=\"Passed\"/></Results>", "not well-formed")]
    [InlineData("a.trx", "<TestRun><Results/></TestRun>", "the run did not end")]
    [InlineData("a.trx", "<testsuites/>", "not <TestRun>")]
    [InlineData("a.trx", "<TestRun><UnitTestResult outcome=\"Passed\"/><ResultSummary/></TestRun>", "no testName")]
    [InlineData("a.xml", "<testsuite><testcase name=\"a\"/>", "not well-formed")]
    [InlineData("a.xml", "<html/>", "not <testsuites>")]
    [InlineData("a.xml", "<testsuite><testcase/></testsuite>", "no name")]
    [InlineData("a.xml", "", "empty")]
    [InlineData("a.xml", "all tests passed", "not well-formed")]
    [InlineData("a.xml", "<coverage><class><line/></class></coverage>", "no filename")]
    [InlineData("a.tap", "ok 1 - a\n", "no plan")]
    [InlineData("a.tap", "1..1\n1..1\nok 1\n", "two plans")]
    [InlineData("a.tap", "1..1\nnot ok 1\n  ---\n  message: cut", "inside a diagnosis")]
    [InlineData("a.tap", "1..99999999999\n", "out of range")]
    [InlineData("go-test.json", "{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"T", "line 1 is not an event")]
    [InlineData("go-test.json", "{\"Package\":\"p\"}", "no Action")]
    [InlineData("go-test.json", "ok p 0.1s", "no event")]
    [InlineData("go-test.json", "{\"Action\":5,\"Package\":\"p\"}", "line 1 is not an event")]
    public void What_is_malformed_or_truncated_is_refused_with_the_reason(string name, string text, string reason) =>
        Assert.Contains(reason, Refused(name, text), StringComparison.Ordinal);

    [Fact]
    public void A_dtd_is_refused_before_its_entities_are_read()
    {
        File.WriteAllText(_folder.In("secret"), "s3cret");
        Assert.Contains("DTD", Refused("a.xml", $"""<!DOCTYPE a [<!ENTITY x SYSTEM "file://{_folder.In("secret")}">]><testsuite><testcase name="&x;"/></testsuite>"""), StringComparison.Ordinal);
        Assert.Contains("DTD", Refused("b.trx", """<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><TestRun>&b;</TestRun>"""), StringComparison.Ordinal);
    }

    [Fact]
    public void An_oversize_report_is_refused_unread()
    {
        using (var file = File.Create(_folder.In("a.xml")))
            file.SetLength(ReportFile.MaxBytes + 1);
        var e = Assert.Throws<MalformedReportException>(
            () => ReportFile.Read(_folder.In("a.xml"), "a.xml", ReportFormat.Junit, new SourceLocation(_folder.Path), [], _coverage));

        Assert.Contains($"{ReportFile.MaxBytes}", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Deep_nesting_does_not_crash()
    {
        Refused("a.tap", new string(' ', 4 * 100) + "ok 1 - deep\n1..1\n");
        var deep = string.Concat(Enumerable.Repeat("<testsuite>", 100_000)) + string.Concat(Enumerable.Repeat("</testsuite>", 100_000));
        Assert.Empty(Read("a.xml", deep));
    }

    [Fact]
    public void A_long_message_is_cut() =>
        Assert.InRange(
            Read("a.xml", $"<testsuite><testcase name=\"a\"><failure>{new string('x', 100_000)}</failure></testcase></testsuite>")[0].Message!.Length,
            TestCase.MaxMessageLength,
            TestCase.MaxMessageLength + 10);
}
