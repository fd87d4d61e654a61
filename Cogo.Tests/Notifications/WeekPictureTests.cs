using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using Cogo.Core;
using Cogo.Core.Gates;
using Cogo.Core.Metrics;
using Cogo.Core.Notifications;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Metrics;
using Xunit;

namespace Cogo.Tests.Notifications;

public class WeekPictureTests
{
    private const double Height = 500;
    private const double Width = 840;

    [Fact]
    public void A_week_is_drawn_day_by_day()
    {
        var drawn = Draw(Pictures.Week());

        var words = Words(drawn);
        Assert.Equal(["Mon 5", "Tue 6", "Wed 7", "Thu 8", "Fri 9", "Sat 10", "Sun 11"], words.Where(word => word.Length <= 6 && word.Contains(' ', StringComparison.Ordinal) && char.IsAsciiLetterUpper(word[0]) && char.IsAsciiDigit(word[^1])));
        Assert.Contains("93.3 %", words);
        Assert.Contains("42/45", words);
        Assert.Contains("p90 latency: 0.031 s", words);
        Assert.Contains("expected queue wait ≤ 5 s", words);
        var bars = drawn.Descendants().Where(shape => shape.Attribute("class")?.Value == "pass" && shape.Name.LocalName == "rect").Select(shape => Number(shape, "height")).ToList();
        // The legend's square and six days with passed tasks, as high as they are many.
        Assert.Equal(7, bars.Count);
        Assert.Equal(51.0 / 42, bars[3] / bars[1], 1);
    }

    [Fact]
    public async Task The_picture_in_the_documentation_is_what_is_drawn() =>
        Assert.Equal(await File.ReadAllTextAsync(Repository.PathOf("docs/week.svg")), WeekPicture.Svg(Pictures.Week()));

    [Fact]
    public void A_week_without_work_says_so_and_claims_no_rate()
    {
        var words = Words(Draw(Pictures.Empty()));

        Assert.Contains("No task ended in this time.", words);
        Assert.Contains("No data", words);
        Assert.DoesNotContain(words, word => word.EndsWith('%') && !word.StartsWith("expected", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1_234)]
    [InlineData(98_765_432)]
    [InlineData(long.MaxValue / 100)]
    public void Whatever_the_numbers_all_stays_on_the_page(long scale)
    {
        var drawn = Draw(Pictures.Week(scale));

        foreach (var shape in drawn.Descendants().Where(shape => shape.Name.LocalName == "rect" && shape.Parent!.Name.LocalName == "svg"))
        {
            Assert.InRange(Number(shape, "x"), 0, Width);
            Assert.InRange(Number(shape, "y"), 0, Height);
            Assert.InRange(Number(shape, "x") + Number(shape, "width"), 0, Width);
            Assert.InRange(Number(shape, "y") + Number(shape, "height"), 0, Height);
        }

        Assert.DoesNotContain(Words(drawn), word => word.Contains("NaN", StringComparison.Ordinal) || word.Contains('E', StringComparison.Ordinal) && word.Contains('+', StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_written_in_it_is_text_and_never_markup()
    {
        const string hostile = "</text><script>alert(1)</script>&\"'\u0001\ud800 ]]>";
        var drawn = Draw(Pictures.Week() with { Title = hostile, Rules = [new WeekRule(hostile, hostile, hostile, GateVerdict.Fail), new WeekRule(string.Concat(Enumerable.Repeat("🦊", 40)), "x", "y", GateVerdict.Pass)] });

        Assert.Contains(Words(drawn), word => word.StartsWith("</text><script>alert(1)</script>&\"'", StringComparison.Ordinal));
        Assert.Equal(
            ["circle", "defs", "desc", "line", "path", "pattern", "rect", "style", "svg", "text", "title"],
            drawn.DescendantsAndSelf().Select(shape => shape.Name.LocalName).Distinct().Order(StringComparer.Ordinal));
        Assert.DoesNotContain(
            drawn.DescendantsAndSelf().Attributes(),
            attribute => attribute.Name.LocalName.StartsWith("on", StringComparison.Ordinal) || attribute.Name.LocalName is "href" or "src");
        Assert.DoesNotContain("http", drawn.Descendants().First(shape => shape.Name.LocalName == "style").Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Figures_read_back_as_they_were_written()
    {
        var week = Pictures.Week();
        var read = JsonSerializer.Deserialize<WeekFigures>(JsonSerializer.Serialize(week, CogoJson.Options), CogoJson.Options)!;

        Assert.Equal(WeekPicture.Svg(week), WeekPicture.Svg(read));
    }

    [Theory]
    [InlineData(PostgresServers.Newest)]
    [InlineData(15)]
    public async Task Days_are_counted_from_the_audit_log(int postgres)
    {
        await using var database = await PostgresServers.CreateDatabaseAsync(postgres);
        var log = new AuditLog(database);
        const double day = 86_400;
        await log.TaskAsync("passed", secondsAgo: 60);
        await log.TaskAsync("failed", secondsAgo: day - 600);
        await log.TaskAsync("passed", secondsAgo: (3 * day) + 600);
        await log.EventAsync(log.Trace(), "execute_failed", """{"verdict":"infrastructure"}""", secondsAgo: (3 * day) + 600);
        await log.TaskAsync("failed", secondsAgo: (7 * day) + 600);
        var mended = await log.TaskAsync("failed", secondsAgo: (2 * day) + 600);
        await log.EventAsync(mended, "gate_passed", """{"gate":"local"}""", secondsAgo: day + 600);

        var days = await new MetricsReader(database.DataSource, TimeProvider.System).DaysAsync(7, CancellationToken.None);

        Assert.Equal([(0, 0, 0), (0, 0, 0), (0, 0, 0), (1, 0, 1), (0, 1, 0), (0, 0, 0), (1, 1, 0)], days.Select(one => (one.Passed, one.Failed, one.Other)));
        Assert.Equal([(0, 0), (0, 0), (0, 0), (1, 0), (0, 0), (1, 0), (1, 1)], days.Select(one => (one.GatesPassed, one.GatesFailed)));
        Assert.Equal([true, true, true, false, false, true, false], days.Select(one => one.P90Ms is null));
        Assert.InRange(days[3].P90Ms!.Value, 2_000, 2_300);
        Assert.Equal(TimeSpan.FromDays(1), days[1].Since - days[0].Since);
    }

    private static XElement Draw(WeekFigures week) => XDocument.Parse(WeekPicture.Svg(week)).Root!;

    private static List<string> Words(XElement drawn) => [.. drawn.Descendants().Where(shape => shape.Name.LocalName is "text" or "title").Select(shape => shape.Value)];

    private static double Number(XElement shape, string name) => double.Parse(shape.Attribute(name)!.Value, CultureInfo.InvariantCulture);
}
