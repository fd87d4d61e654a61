namespace Cogo.Core.Jobs;

/// <summary>
/// When something recurs, in UTC: <c>minute hour day-of-month month day-of-week</c>, as crontab(5) has it, and
/// <c>@hourly @daily @weekly @monthly @yearly</c>. When both days are restricted, either one is enough.
/// </summary>
public sealed class CronExpression
{
    /// <summary>29 February returns within eight years, also over the turn of a century that has none.</summary>
    private const int YearsToLook = 9;

    private readonly ulong _minutes;
    private readonly ulong _hours;
    private readonly ulong _days;
    private readonly ulong _months;
    private readonly ulong _weekdays;
    private readonly bool _eitherDay;

    private CronExpression(string text, string[] fields)
    {
        Text = text;
        _minutes = CronField.Minute.Read(fields[0]);
        _hours = CronField.Hour.Read(fields[1]);
        _days = CronField.DayOfMonth.Read(fields[2]);
        _months = CronField.Month.Read(fields[3]);
        _weekdays = CronField.DayOfWeek.Read(fields[4]);
        _eitherDay = !fields[2].StartsWith('*') && !fields[4].StartsWith('*');
    }

    public string Text { get; }

    /// <exception cref="FormatException">The text is no cron expression, or names a moment that never comes, such as 30 February.</exception>
    public static CronExpression Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var expanded = text.Trim() switch
        {
            "@hourly" => "0 * * * *",
            "@daily" or "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" or "@annually" => "0 0 1 1 *",
            var other => other,
        };
        var fields = expanded.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length != 5)
        {
            throw new FormatException($"'{text}' is no cron expression: write minute hour day-of-month month day-of-week, such as \"*/15 * * * *\".");
        }

        var cron = new CronExpression(text, fields);
        return cron.After(new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero)) is null
            ? throw new FormatException($"The cron expression '{text}' never comes: no month it names has such a day.")
            : cron;
    }

    /// <summary>The first moment later than <paramref name="moment"/>; null when there is none before the year 9999 ends.</summary>
    public DateTimeOffset? After(DateTimeOffset moment)
    {
        var utc = moment.UtcDateTime;
        if (utc > new DateTime(9999 - YearsToLook, 1, 1, 0, 0, 0, DateTimeKind.Utc))
        {
            return null;
        }

        var from = new DateTime(utc.Year, utc.Month, utc.Day, utc.Hour, utc.Minute, 0, DateTimeKind.Utc).AddMinutes(1);
        var end = from.AddYears(YearsToLook);
        for (var day = from.Date; day < end; day = day.AddDays(1))
        {
            if (!Allows(_months, day.Month))
            {
                // To the last day of the month; the loop takes the step into the next.
                day = day.AddDays(DateTime.DaysInMonth(day.Year, day.Month) - day.Day);
                continue;
            }

            if (AllowsDay(day) && FirstOf(day, day == from.Date ? from.TimeOfDay : TimeSpan.Zero) is { } found)
            {
                return new DateTimeOffset(found, TimeSpan.Zero);
            }
        }

        return null;
    }

    public override string ToString() => Text;

    private static bool Allows(ulong bits, int number) => (bits >> number & 1) != 0;

    private bool AllowsDay(DateTime day)
    {
        var ofMonth = Allows(_days, day.Day);
        var ofWeek = Allows(_weekdays, (int)day.DayOfWeek);
        return _eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek;
    }

    private DateTime? FirstOf(DateTime day, TimeSpan from)
    {
        for (var hour = from.Hours; hour < 24; hour++)
        {
            if (!Allows(_hours, hour))
            {
                continue;
            }

            for (var minute = hour == from.Hours ? from.Minutes : 0; minute < 60; minute++)
            {
                if (Allows(_minutes, minute))
                {
                    return day.AddHours(hour).AddMinutes(minute);
                }
            }
        }

        return null;
    }
}
