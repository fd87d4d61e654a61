using System.Globalization;

namespace Cogo.Core.Jobs;

/// <summary>One field of a cron expression: which of its numbers it allows.</summary>
internal sealed record CronField(string Name, int Least, int Most, string[] Words)
{
    public static CronField Minute { get; } = new("minute", 0, 59, []);

    public static CronField Hour { get; } = new("hour", 0, 23, []);

    public static CronField DayOfMonth { get; } = new("day of month", 1, 31, []);

    public static CronField Month { get; } = new("month", 1, 12, ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]);

    /// <summary>7 is Sunday, too.</summary>
    public static CronField DayOfWeek { get; } = new("day of week", 0, 7, ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]);

    /// <summary>A bit for each number allowed.</summary>
    /// <exception cref="FormatException">The text is no such field.</exception>
    public ulong Read(string text)
    {
        ulong bits = 0;
        foreach (var part in text.Split(','))
        {
            bits |= ReadPart(part, text);
        }

        return Most == 7 ? (bits & 0x7f) | (bits >> 7 & 1) : bits;
    }

    private ulong ReadPart(string part, string text)
    {
        var slash = part.Split('/');
        if (slash.Length > 2)
        {
            throw Wrong(text);
        }

        var step = 1;
        if (slash.Length == 2 && (!int.TryParse(slash[1], NumberStyles.None, CultureInfo.InvariantCulture, out step) || step < 1 || step > Most))
        {
            throw Wrong(text);
        }

        int first, last;
        if (slash[0] == "*")
        {
            (first, last) = (Least, Most == 7 ? 6 : Most);
        }
        else
        {
            var range = slash[0].Split('-');
            if (range.Length > 2)
            {
                throw Wrong(text);
            }

            first = Number(range[0], text);
            // "5/15" begins at 5 and goes on to the end, as in Vixie's cron.
            last = range.Length == 2 ? Number(range[1], text) : slash.Length == 2 ? Most : first;
        }

        if (last < first)
        {
            throw Wrong(text);
        }

        ulong bits = 0;
        for (var number = first; number <= last; number += step)
        {
            bits |= 1UL << number;
        }

        return bits;
    }

    private int Number(string word, string text)
    {
        if (int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= Least && number <= Most)
        {
            return number;
        }

        var index = word.Length == 0 ? -1 : Array.IndexOf(Words, word.ToLowerInvariant());
        return index >= 0 ? index : throw Wrong(text);
    }

    private FormatException Wrong(string text) =>
        new($"'{text}' is no {Name} of a cron expression: use {Least}-{Most}, *, lists (1,2), ranges (1-5) and steps (*/10){(Words.Length > 0 ? ", or names such as " + Words[1] : "")}.");
}
