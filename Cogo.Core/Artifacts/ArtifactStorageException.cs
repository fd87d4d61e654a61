namespace Cogo.Core.Artifacts;

/// <summary>The storage of artifacts cannot be used. The message says what happened and what to do, and holds no key.</summary>
public sealed class ArtifactStorageException : IOException
{
    public ArtifactStorageException()
    {
    }

    public ArtifactStorageException(string message)
        : base(message)
    {
    }

    public ArtifactStorageException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
