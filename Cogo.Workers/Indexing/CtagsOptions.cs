namespace Cogo.Workers.Indexing;

/// <summary>The program that reads languages other than C#, and its bounds.</summary>
public sealed record CtagsOptions
{
    /// <summary>A universal-ctags that prints JSON. <c>COGO_CTAGS</c>.</summary>
    public string Command { get; init; } = "ctags";

    /// <summary>Longest that it may take for a batch; then its files are read one by one. <c>COGO_CTAGS_TIMEOUT_MS</c>.</summary>
    public TimeSpan BatchTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Longest that it may take for a file read by itself.</summary>
    public TimeSpan FileTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Files of one batch that may fail by themselves before the rest of the batch is read without it.</summary>
    public int MostFailures { get; init; } = 3;

    /// <summary>Memory of ctags, in bytes.</summary>
    public long MemoryBytes { get; init; } = 1024L * 1024 * 1024;

    /// <summary>What it may print for a batch, in bytes.</summary>
    public long OutputBytes { get; init; } = 256L * 1024 * 1024;

    /// <exception cref="FormatException">A setting cannot be read.</exception>
    public static CtagsOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var options = new CtagsOptions();
        if (configuration["COGO_CTAGS"] is { Length: > 0 } command)
            options = options with { Command = command };
        return configuration["COGO_CTAGS_TIMEOUT_MS"] switch
        {
            null or "" => options,
            var text when int.TryParse(text, out var milliseconds) && milliseconds is > 0 and <= 3_600_000 => options with { BatchTimeout = TimeSpan.FromMilliseconds(milliseconds) },
            var text => throw new FormatException($"COGO_CTAGS_TIMEOUT_MS is '{text}': set it to a number of milliseconds from 1 to 3600000."),
        };
    }
}
