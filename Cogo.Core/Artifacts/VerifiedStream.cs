using System.Security.Cryptography;

namespace Cogo.Core.Artifacts;

/// <summary>
/// Reads a stream and, when it was read from beginning to end, holds it against its checksum before the last bytes are
/// handed out. A reader that seeks takes a part, which has no checksum.
/// </summary>
/// <param name="isRight">Whether a SHA-256, in lower-case hexadecimal, is the artifact's.</param>
internal sealed class VerifiedStream(Stream inner, string path, Func<string, CancellationToken, Task<bool>> isRight) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _hashed;
    private bool _verified;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => inner.Length;

    public override long Position
    {
        get => inner.Position;
        set => inner.Position = value;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var at = inner.Position;
        var read = await inner.ReadAsync(buffer, cancellationToken);
        if (at == 0 && _hashed > 0)
        {
            _hash.GetHashAndReset();
            (_hashed, _verified) = (0, false);
        }

        if (at == _hashed)
        {
            _hash.AppendData(buffer.Span[..read]);
            _hashed += read;
        }

        if (read == 0 && buffer.Length > 0 && inner.Position < Length)
        {
            throw new EndOfStreamException($"The artifact {path} ended after {inner.Position} of {Length} bytes: the connection to its storage broke. Read it again.");
        }

        if (_hashed == Length && !_verified)
        {
            _verified = await isRight(Convert.ToHexStringLower(_hash.GetCurrentHash()), cancellationToken)
                ? true
                : throw new InvalidDataException($"The artifact {path} is not what was stored: its checksum is another. Something changed it in the storage; run the task again.");
        }

        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    // The last step asks the database, which is not to block a thread.
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Artifacts are read asynchronously.");

    public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        _hash.Dispose();
        await inner.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
