using Cogo.Core.Jobs;
using Xunit;

namespace Cogo.Tests.Jobs;

public class CronExpressionTests
{
    [Theory]
    [InlineData("* * * * *", "2026-03-01T10:00:30Z", "2026-03-01T10:01:00Z")]
    [InlineData("*/15 * * * *", "2026-03-01T10:45:00Z", "2026-03-01T11:00:00Z")]
    [InlineData("5/20 * * * *", "2026-03-01T10:46:00Z", "2026-03-01T11:05:00Z")]
    [InlineData("0 2 * * *", "2026-12-31T02:00:00Z", "2027-01-01T02:00:00Z")]
    [InlineData("5 2 * * MON", "2026-11-21T00:00:00Z", "2026-11-23T02:05:00Z")]
    [InlineData("0 0 * * 7", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z")]
    [InlineData("0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z")]
    [InlineData("0 0 31 * *", "2026-04-01T00:00:00Z", "2026-05-31T00:00:00Z")]
    [InlineData("0 0 13 * fri", "2026-11-11T00:00:00Z", "2026-11-13T00:00:00Z")]
    [InlineData("0 0 13 * fri", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z")]
    [InlineData("0 12 1-7 jan,jul *", "2026-01-07T12:00:00Z", "2026-07-01T12:00:00Z")]
    [InlineData("30 8-10/2 * * 1-5", "2026-11-20T10:30:00Z", "2026-11-23T08:30:00Z")]
    [InlineData("@weekly", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z")]
    [InlineData("0 0 1 1 *", "2026-01-01T00:00:00+02:00", "2026-01-01T00:00:00Z")]
    public void The_next_run_is_the_first_moment_that_matches(string cron, string from, string next)
    {
        Assert.Equal(DateTimeOffset.Parse(next), CronExpression.Parse(cron).After(DateTimeOffset.Parse(from)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("* * * *")]
    [InlineData("* * * * * *")]
    [InlineData("60 * * * *")]
    [InlineData("-1 * * * *")]
    [InlineData("*/0 * * * *")]
    [InlineData("5-1 * * * *")]
    [InlineData("1,,2 * * * *")]
    [InlineData("* * 0 * *")]
    [InlineData("* * * 13 *")]
    [InlineData("* * * * 8")]
    [InlineData("* * * foo *")]
    [InlineData("@sometimes")]
    [InlineData("0 0 30 2 *")]
    [InlineData("0 0 31 4,6 *")]
    public void What_is_no_cron_expression_or_never_comes_is_refused(string cron)
    {
        Assert.Throws<FormatException>(() => CronExpression.Parse(cron));
    }

    [Fact]
    public void There_is_no_run_beyond_the_end_of_time()
    {
        Assert.Null(CronExpression.Parse("* * * * *").After(DateTimeOffset.MaxValue));
    }

    [Fact]
    public void Every_run_matches_its_fields_and_none_is_left_out()
    {
        // A thousand random expressions against a plain walk over the minutes.
        var random = new Random(20261121);
        for (var round = 0; round < 1000; round++)
        {
            var (minute, hour, day, month, weekday) = (random.Next(60), random.Next(24), random.Next(1, 32), random.Next(1, 13), random.Next(7));
            var stars = random.Next(32);
            string Field(int bit, int number) => (stars & bit) != 0 ? "*" : $"{number}";
            var text = $"{Field(1, minute)} {Field(2, hour)} {Field(4, day)} * {Field(16, weekday)}";
            var from = new DateTimeOffset(2026, month, random.Next(1, 29), random.Next(24), random.Next(60), random.Next(60), TimeSpan.Zero);

            var walked = new DateTimeOffset(from.Year, from.Month, from.Day, from.Hour, from.Minute, 0, TimeSpan.Zero);
            bool Matches(DateTimeOffset at)
            {
                var (ofMonth, ofWeek) = (at.Day == day, (int)at.DayOfWeek == weekday);
                var onDay = (stars & 20) switch { 20 => true, 4 => ofWeek, 16 => ofMonth, _ => ofMonth || ofWeek };
                return onDay && ((stars & 1) != 0 || at.Minute == minute) && ((stars & 2) != 0 || at.Hour == hour);
            }

            do
            {
                walked = walked.AddMinutes(1);
            }
            while (!Matches(walked));
            Assert.True(walked == CronExpression.Parse(text).After(from), $"{text} after {from:o}");
        }
    }
}
