using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Gates;
using Cogo.Core.Metrics;
using Cogo.Tests.Api;
using Cogo.Tests.BuildTest;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Metrics;
using Xunit;

namespace Cogo.Tests.Gates;

public class QualityGateTests
{
    private const string Good = """{ "failure_rate": { "max": 0.05 }, "p90_latency": { "max_seconds": 5 }, "decision_quality": { "min": 0.85 }, "q1_pass_rate": { "min": 0.7 } }""";

    public static TheoryData<string, string> Broken => new()
    {
        { Good.Replace("0.05", "1.5", StringComparison.Ordinal), "failure_rate.max" },
        { Good.Replace("\"max_seconds\": 5", "\"max_seconds\": 0", StringComparison.Ordinal), "p90_latency.max_seconds" },
        { Good.Replace("\"max_seconds\": 5", "\"max_seconds\": 5, \"stage\": \"lunch\"", StringComparison.Ordinal), "p90_latency.stage" },
        { Good.Replace("{ \"failure_rate\"", "{ \"window\": \"soon\", \"failure_rate\"", StringComparison.Ordinal), "window" },
        { Good.Replace("{ \"failure_rate\"", "{ \"min_samples\": 0, \"failure_rate\"", StringComparison.Ordinal), "min_samples" },
        { Good.Replace("failure_rate", "failure_ratio", StringComparison.Ordinal), "failure_ratio" },
        { Good.Replace("{ \"max\": 0.05 }", "{}", StringComparison.Ordinal), "max" },
        { Good.Replace("{ \"max\": 0.05 }", "null", StringComparison.Ordinal), "null" },
    };

    [Fact]
    public void The_thresholds_cogo_comes_with_are_those_that_were_promised()
    {
        var thresholds = QualityThresholds.Default;

        Assert.Equal(
            (0.05, 5.0, 0.85, 0.7),
            (thresholds.FailureRate.Max, thresholds.P90Latency.MaxSeconds, thresholds.DecisionQuality.Min, thresholds.Q1PassRate.Min));
    }

    [Fact]
    public async Task The_schema_and_the_reader_agree()
    {
        var broken = Broken.Select(row => row.Data.Item1).ToList();
        var own = await File.ReadAllTextAsync(Repository.PathOf("configs/quality_thresholds.json"));

        var errors = await ReportSchema.ErrorsAsync("configs/quality_thresholds.schema.json", [own, Good, .. broken]);

        Assert.Equal(["", ""], errors.Take(2));
        Assert.DoesNotContain("", errors.Skip(2));
        Assert.Equal(0.85, QualityThresholds.Parse(Good, "it").DecisionQuality.Min);
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void Broken_thresholds_are_refused_by_the_field(string text, string field)
    {
        var refused = Assert.Throws<FormatException>(() => QualityThresholds.Parse(text, "my.json"));

        Assert.StartsWith("my.json", refused.Message, StringComparison.Ordinal);
        Assert.Contains(field, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_gate_fails_by_any_rule_and_no_data_is_not_a_pass()
    {
        static GateRule Rule(GateVerdict verdict) => new("r", "", "", verdict, "");

        Assert.Equal(GateVerdict.Pass, GateAnswer.Of("g", null, [Rule(GateVerdict.Pass), Rule(GateVerdict.Skipped)]).Verdict);
        Assert.Equal(GateVerdict.Unknown, GateAnswer.Of("g", null, [Rule(GateVerdict.Pass), Rule(GateVerdict.Unknown)]).Verdict);
        Assert.Equal(GateVerdict.Fail, GateAnswer.Of("g", null, [Rule(GateVerdict.Unknown), Rule(GateVerdict.Fail)]).Verdict);
        Assert.Equal(GateVerdict.Unknown, GateAnswer.Of("g", null, [Rule(GateVerdict.Skipped)]).Verdict);
        Assert.Equal(GateVerdict.Unknown, GateAnswer.Of("g", null, []).Verdict);
    }

    [Fact]
    public void Too_few_samples_cannot_tell()
    {
        var thresholds = QualityThresholds.Default with { MinSamples = 10 };

        var rule = QualityGate.JudgeQ1(thresholds, "24h", new GateCount(null, 9, 0, 1)).Rules.Single();

        Assert.Equal((GateVerdict.Unknown, "100 %"), (rule.Verdict, rule.Actual));
        Assert.Contains("min_samples 10", rule.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_summary_of_gates_lists_every_rule_with_what_is_and_what_must_be()
    {
        await using var api = new ApiHost();
        await api.InitializeAsync();
        var log = new AuditLog(api.Database);
        for (var i = 0; i < 3; i++)
        {
            await log.TaskAsync("passed");
        }

        var repaired = await log.TaskAsync("failed");
        await log.EventAsync(repaired, "gate_failed", """{"gate":"workflow"}""", secondsAgo: 5);
        await log.EventAsync(repaired, "gate_passed", """{"gate":"workflow"}""", secondsAgo: 4);
        await log.EventAsync(log.Trace(), "buildtest_failed", """{"verdict":"infrastructure"}""");

        var summary = JsonSerializer.Deserialize<JsonElement>((await api.GetAsync("/api/metrics/gate/summary")).Text);

        Assert.Equal("""{"passed":4,"failed":0,"pass_rate":1}""", summary.GetProperty("all").GetRawText());
        Assert.Equal(
            ["build-test 3 1", "workflow 1 0"],
            summary.GetProperty("gates").EnumerateArray().Select(gate => $"{gate.GetProperty("gate").GetString()} {gate.GetProperty("passed")} {gate.GetProperty("failed")}"));
        Assert.Equal("pass", summary.GetProperty("q1").GetProperty("verdict").GetString());
        var acceptance = summary.GetProperty("acceptance").Deserialize<GateAnswer>(CogoJson.Options)!;
        Assert.Equal(GateVerdict.Fail, acceptance.Verdict);
        Assert.Equal(
            ["failure_rate <= 5 % 20 % Fail", "p90_latency queue_wait <= 5 s 0.01 s Pass", "decision_quality >= 85 % 87.5 % Pass", "q1_pass_rate >= 70 % 100 % Pass"],
            acceptance.Rules.Select(rule => $"{rule.Name} {rule.Expected} {rule.Actual} {rule.Verdict}"));
        Assert.All(acceptance.Rules, rule => Assert.EndsWith(".", rule.Reason, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("90s", 90)]
    [InlineData("15m", 900)]
    [InlineData("24h", 86400)]
    [InlineData("7d", 604800)]
    public void A_window_reads_as_it_is_written(string text, int seconds)
    {
        Assert.True(MetricsWindow.TryParse(text, out var window));
        Assert.Equal((seconds, text), ((int)window.Length.TotalSeconds, window.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("24")]
    [InlineData("h")]
    [InlineData("0h")]
    [InlineData("-1h")]
    [InlineData("1.5h")]
    [InlineData("999999999d")]
    [InlineData("24H")]
    public void A_window_that_is_none_is_refused(string text) => Assert.False(MetricsWindow.TryParse(text, out _));
}
