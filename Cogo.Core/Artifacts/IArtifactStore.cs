namespace Cogo.Core.Artifacts;

/// <summary>A stored file. <paramref name="Path"/> is <c>&lt;task&gt;/&lt;stage&gt;/&lt;name&gt;</c>, as served below <c>/artifacts/</c>.</summary>
public sealed record Artifact(string Path, long Bytes, string Sha256);

/// <summary>
/// Where results are kept: the bytes in storage, a row in <c>public.artifacts</c>. Writing the same path again
/// replaces it, so that a repeated attempt leaves one copy.
/// </summary>
public interface IArtifactStore
{
    /// <summary>Stores the stream atomically: a reader sees the old file or the whole new one.</summary>
    /// <exception cref="ArgumentException">The path is absolute, holds <c>..</c> or characters outside <c>A-Z a-z 0-9 . _ - /</c>.</exception>
    /// <exception cref="IOException">The storage does not take it; the message says why.</exception>
    Task<Artifact> SaveAsync(string path, Stream content, ArtifactContext context, CancellationToken cancellationToken);

    /// <summary>
    /// Null when there is no such artifact. What is read to its end is held against its checksum: bytes that were changed
    /// behind our back end in an <see cref="InvalidDataException"/> before the last of them is handed out.
    /// </summary>
    /// <exception cref="ArgumentException">The path breaks the rule of <see cref="ArtifactPath"/>.</exception>
    /// <exception cref="IOException">The storage does not answer, or is one that this program is not set up for.</exception>
    Task<OpenArtifact?> ReadAsync(string path, CancellationToken cancellationToken);

    /// <summary>The content of <see cref="ReadAsync"/> alone.</summary>
    Task<Stream?> OpenAsync(string path, CancellationToken cancellationToken);

    /// <summary>
    /// Forgets an artifact and, with <paramref name="content"/>, deletes its bytes first, so that none are left without a
    /// row. Returns whether there were bytes to delete.
    /// </summary>
    /// <exception cref="IOException">The bytes cannot be deleted.</exception>
    Task<bool> DeleteAsync(string path, bool content, CancellationToken cancellationToken);

    /// <summary>Where anybody who has the link may fetch the artifact until it expires; null where only the API serves it.</summary>
    Task<SignedLink?> LinkAsync(ArtifactRow row, CancellationToken cancellationToken);

    /// <summary>Whether the storage can be used at all.</summary>
    /// <exception cref="ArtifactStorageException">It cannot; the message says what to do.</exception>
    Task CheckAsync(CancellationToken cancellationToken);
}

/// <summary>What the row says beside the file itself.</summary>
public sealed record ArtifactContext(string TaskId, string TraceId, string ContentType);

/// <summary>An artifact that is being read: its row and its bytes, which belong together whatever replaces them meanwhile.</summary>
public sealed record OpenArtifact(ArtifactRow Row, Stream Content);

/// <summary>A link that is good without a password, for a while.</summary>
public sealed record SignedLink(Uri Address, DateTimeOffset ExpiresAt);
