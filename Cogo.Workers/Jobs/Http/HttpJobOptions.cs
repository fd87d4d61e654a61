namespace Cogo.Workers.Jobs.Http;

/// <summary>Bounds of the <c>http.*</c> jobs.</summary>
public sealed record HttpJobOptions
{
    /// <summary>Whether jobs may reach loopback, link-local and private addresses.</summary>
    public bool AllowPrivate { get; init; }

    /// <summary>One attempt with its redirects, to the last byte of the body, where the payload names none.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Largest response, decompressed; the payload may ask for less.</summary>
    public long ResponseLimitBytes { get; init; } = 10 * 1024 * 1024;

    /// <summary>Redirects followed where the payload names no number.</summary>
    public int MaxRedirects { get; init; } = 5;
}
