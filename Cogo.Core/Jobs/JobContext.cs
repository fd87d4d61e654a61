using System.Text.Json;
using Cogo.Core.Artifacts;
using Microsoft.Extensions.Logging;

namespace Cogo.Core.Jobs;

/// <summary>One attempt at a job, as its handler sees it.</summary>
public abstract class JobContext
{
    public required long Id { get; init; }

    public required string Type { get; init; }

    public required string Queue { get; init; }

    public required JsonElement Payload { get; init; }

    /// <summary>1 on the first attempt.</summary>
    public required int Attempt { get; init; }

    public required int MaxAttempts { get; init; }

    /// <summary>32 hex digits.</summary>
    public required string TraceId { get; init; }

    public string? Tenant { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>Tells how far the job is, for people; the last word stands.</summary>
    /// <param name="fraction">0 to 1.</param>
    public abstract Task ReportProgressAsync(double fraction, string? message, CancellationToken cancellationToken);

    /// <summary>Stores a file of the job, replacing one of that name.</summary>
    /// <param name="name">Such as <c>screenshot.png</c>: <c>A-Z a-z 0-9 . _ -</c>.</param>
    /// <exception cref="ArgumentException">The name holds other characters.</exception>
    public abstract Task<Artifact> SaveArtifactAsync(string name, Stream content, string contentType, CancellationToken cancellationToken);
}
