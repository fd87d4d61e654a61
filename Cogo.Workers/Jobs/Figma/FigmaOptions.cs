namespace Cogo.Workers.Jobs.Figma;

/// <summary>Access to the Figma REST API.</summary>
public sealed record FigmaOptions
{
    /// <summary>A personal access token with the scope <c>file_content:read</c>; null: <c>figma.*</c> jobs fail and say so.</summary>
    public string? ApiToken { get; init; }

    public Uri ApiBase { get; init; } = new("https://api.figma.com");

    /// <summary>One request, to the last byte of its answer. Figma renders while the client waits.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Largest file document or image.</summary>
    public long ResponseLimitBytes { get; init; } = 256L * 1024 * 1024;

    // A record would print the token.
    public override string ToString() => $"Figma at {ApiBase}";
}
