using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Cogo.Core.Artifacts.S3;

/// <summary>Reads one object as it comes over the network. After a seek it asks for the rest from there.</summary>
internal sealed class S3ReadStream : Stream
{
    private readonly IAmazonS3 _client;
    private readonly S3Options _options;
    private readonly string _key;
    private GetObjectResponse? _response;
    private long _responseAt;
    private long _position;

    private S3ReadStream(IAmazonS3 client, S3Options options, string key, GetObjectResponse response)
    {
        (_client, _options, _key, _response) = (client, options, key, response);
        Length = response.ContentLength;
    }

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length { get; }

    public override long Position
    {
        get => _position;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _position = value;
        }
    }

    /// <summary>Null when there is no such object.</summary>
    /// <exception cref="ArtifactStorageException">The store does not hand it out.</exception>
    public static async Task<S3ReadStream?> OpenAsync(IAmazonS3 client, S3Options options, string key, CancellationToken cancellationToken)
    {
        try
        {
            return new S3ReadStream(client, options, key, await GetAsync(client, options, key, 0, cancellationToken));
        }
        catch (ArtifactStorageException e) when (S3Problem.IsMissingObject(e))
        {
            return null;
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty || _position >= Length)
        {
            return 0;
        }

        if (_response is null || _responseAt != _position)
        {
            End();
            _response = await GetAsync(_client, _options, _key, _position, cancellationToken);
            _responseAt = _position;
        }

        var read = await S3Problem.TellAsync(_options, async () => await _response.ResponseStream.ReadAsync(buffer, cancellationToken), cancellationToken);
        _responseAt = _position += read;
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Artifacts are read asynchronously.");

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => Length + offset,
    };

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            End();
        }

        base.Dispose(disposing);
    }

    private void End()
    {
        try
        {
            _response?.Dispose();
        }
        catch (AmazonClientException)
        {
            // The library's own sum of the same bytes is wrong. VerifiedStream, which has a better one, told it before.
        }

        _response = null;
    }

    private static Task<GetObjectResponse> GetAsync(IAmazonS3 client, S3Options options, string key, long from, CancellationToken cancellationToken) =>
        S3Problem.TellAsync(
            options,
            () => client.GetObjectAsync(
                new GetObjectRequest { BucketName = options.Bucket, Key = key, ByteRange = from == 0 ? null : new ByteRange($"bytes={from}-") }, cancellationToken),
            cancellationToken);
}
