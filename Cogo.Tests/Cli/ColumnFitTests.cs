using Cogo.Cli.Jobs;
using Xunit;

namespace Cogo.Tests.Cli;

public class ColumnFitTests
{
    [Theory]
    [InlineData(100, "10 20 30", "10 20 30")] // room for all
    [InlineData(60, "10 9 60", "10 9 31")] // the widest is cut
    [InlineData(60, "40 9 60", "20 9 21")] // and then both that are wide
    [InlineData(50, "10 9 60 12", "10 9 21")] // the last one goes
    [InlineData(20, "40 9", "16")] // the first stays in any case
    [InlineData(1, "5 5", "1")]
    public void Columns_are_cut_and_left_out_until_they_fit(int room, string wanted, string expected)
    {
        var fit = ColumnFit.Of([.. wanted.Split(' ').Select(int.Parse)], room);

        Assert.Equal(expected, string.Join(' ', fit.Select(one => one.Width)));
        Assert.Equal(Enumerable.Range(0, fit.Count), fit.Select(one => one.Column));
    }
}
