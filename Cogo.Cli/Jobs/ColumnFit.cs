namespace Cogo.Cli.Jobs;

/// <summary>Which columns of a table a terminal has room for, and how wide each is.</summary>
internal static class ColumnFit
{
    /// <summary>A column that has to be cut is not cut shorter than this.</summary>
    public const int LeastWidth = 16;

    /// <summary>Each column has a border and two blanks, and the table one border more.</summary>
    private const int Frame = 3;

    /// <param name="widths">What each column would like to have.</param>
    /// <param name="room">The characters of a line.</param>
    /// <returns>
    /// The columns that stay, in order, with their widths. While there is not enough room, the widest is cut; when none
    /// can be cut any more, the last one goes: columns are given in the order of what they tell.
    /// </returns>
    public static IReadOnlyList<(int Column, int Width)> Of(IReadOnlyList<int> widths, int room)
    {
        var fitting = widths.Select((width, column) => (Column: column, Width: width)).ToList();
        while (fitting.Count > 1 && fitting.Sum(one => Math.Min(one.Width, LeastWidth) + Frame) + 1 > room)
        {
            fitting.RemoveAt(fitting.Count - 1);
        }

        for (var over = fitting.Sum(one => one.Width + Frame) + 1 - room; over > 0;)
        {
            var widest = Enumerable.Range(0, fitting.Count).MaxBy(index => fitting[index].Width);
            if (fitting[widest].Width <= 1)
            {
                break;
            }

            fitting[widest] = fitting[widest] with { Width = fitting[widest].Width - 1 };
            over--;
        }

        return fitting;
    }
}
