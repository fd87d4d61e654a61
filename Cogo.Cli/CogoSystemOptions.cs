using Cogo.Core.Artifacts;
using Cogo.Core.Artifacts.S3;
using Cogo.Core.Database.Embedded;

namespace Cogo.Cli;

/// <summary>How the whole of Cogo is brought up in one process.</summary>
public sealed record CogoSystemOptions
{
    /// <summary>A Postgres that runs already. Null: the embedded one, as <see cref="Postgres"/> says.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>The embedded Postgres, when there is no <see cref="ConnectionString"/>.</summary>
    public required EmbeddedPostgresOptions Postgres { get; init; }

    /// <summary>Cogo's own files, absolute; made when it is not there.</summary>
    public required string Folder { get; init; }

    /// <summary>Absolute.</summary>
    public required string ArtifactsFolder { get; init; }

    /// <summary>After this time a clean-up may remove an artifact. Null: kept for good.</summary>
    public TimeSpan? ArtifactsTimeToLive { get; init; }

    /// <summary>Where new artifacts go instead of the folder.</summary>
    public S3Options? ArtifactsS3 { get; init; }

    /// <summary>As an <see cref="ArtifactStore"/> takes them.</summary>
    public ArtifactOptions Artifacts => new() { BasePath = ArtifactsFolder, TimeToLive = ArtifactsTimeToLive };

    /// <summary>Port on this machine; 0 takes any free one.</summary>
    public int Port { get; init; }

    /// <summary>Git mirrors and working copies, absolute.</summary>
    public required string WorkFolder { get; init; }

    /// <summary>Told what takes long, and every warning. Any thread may call it.</summary>
    public Action<string>? Progress { get; init; }

    /// <summary>Write the log to standard error.</summary>
    public bool Verbose { get; init; }
}

/// <summary>The system cannot be brought up or has gone down. The message says what to do.</summary>
public sealed class CogoSystemException : Exception
{
    public CogoSystemException(string message)
        : base(message)
    {
    }

    public CogoSystemException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public CogoSystemException()
    {
    }
}
