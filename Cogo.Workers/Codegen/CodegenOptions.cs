namespace Cogo.Workers.Codegen;

/// <summary>What holds for every engine. <see cref="CodegenSettings"/> maps the settings.</summary>
public sealed record CodegenOptions
{
    /// <summary>Longest that an engine may work on one task. <c>CODEGEN_TIMEOUT_SECONDS</c>.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Longest log that is kept, in bytes.</summary>
    public long LogLimitBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Shortest time between two progress events of one task.</summary>
    public TimeSpan ProgressInterval { get; init; } = TimeSpan.FromSeconds(1);
}
