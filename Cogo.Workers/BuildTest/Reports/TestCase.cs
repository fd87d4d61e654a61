namespace Cogo.Workers.BuildTest.Reports;

public enum TestOutcome
{
    Passed,

    /// <summary>An assertion did not hold.</summary>
    Failed,

    /// <summary>The test did not get that far: it threw, crashed, or never finished.</summary>
    Errored,
    Skipped,
}

/// <summary>One test as its report tells it.</summary>
public sealed record TestCase
{
    public required string Name { get; init; }

    /// <summary>Class, file or package that it belongs to.</summary>
    public string? Suite { get; init; }

    public required TestOutcome Outcome { get; init; }

    /// <summary>Seconds.</summary>
    public double? Duration { get; init; }

    /// <summary>Relative to the working copy.</summary>
    public string? File { get; init; }

    public int? Line { get; init; }

    /// <summary>Why it failed, at most <see cref="MaxMessageLength"/> characters.</summary>
    public string? Message { get; init; }

    public const int MaxMessageLength = 4000;

    internal static string? Cut(string? message)
    {
        message = message?.Trim();
        if (string.IsNullOrEmpty(message))
            return null;
        return message.Length <= MaxMessageLength ? message : message[..MaxMessageLength] + " …";
    }
}

/// <summary>A report that cannot be believed: truncated, not of its format, too large.</summary>
public sealed class MalformedReportException : Exception
{
    public MalformedReportException()
    {
    }

    public MalformedReportException(string message)
        : base(message)
    {
    }

    public MalformedReportException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
