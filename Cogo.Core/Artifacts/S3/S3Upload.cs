using System.Buffers;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;

namespace Cogo.Core.Artifacts.S3;

/// <summary>
/// Writes a stream of any length to one object, holding one part of it in memory: what fits into a part goes in one
/// request, what does not goes in parts, and the object is there only when all of them are.
/// </summary>
internal sealed class S3Upload(IAmazonS3 client, S3Options options, string key, string contentType)
{
    /// <summary>With the 10,000 parts that S3 allows, an artifact has at most 80 GB.</summary>
    public const int PartBytes = 8 * 1024 * 1024;

    private const int MostParts = 10_000;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Of an upload in parts that has begun and not ended.</summary>
    public string? Id { get; private set; }

    /// <param name="begun">Told the upload's id before the first part is sent.</param>
    /// <exception cref="ArtifactStorageException">The store does not take it.</exception>
    public async Task<(long Bytes, string Sha256)> RunAsync(Stream content, Func<string, Task> begun, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(PartBytes);
        try
        {
            var parts = new List<PartETag>();
            long total = 0;
            while (true)
            {
                var read = await content.ReadAtLeastAsync(buffer.AsMemory(0, PartBytes), PartBytes, throwOnEndOfStream: false, cancellationToken);
                _hash.AppendData(buffer, 0, read);
                total += read;
                var last = read < PartBytes;
                if (last && parts.Count == 0)
                {
                    await PutAsync(buffer, read, cancellationToken);
                    break;
                }

                if (read > 0)
                {
                    if (Id is null)
                    {
                        await BeginAsync(begun, cancellationToken);
                    }

                    parts.Add(await PutPartAsync(buffer, read, parts.Count + 1, cancellationToken));
                }

                if (last)
                {
                    await CompleteAsync(parts, cancellationToken);
                    break;
                }
            }

            return (total, Convert.ToHexStringLower(_hash.GetHashAndReset()));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            _hash.Dispose();
        }
    }

    private Task<PutObjectResponse> PutAsync(byte[] buffer, int count, CancellationToken cancellationToken) => S3Problem.TellAsync(
        options,
        async () =>
        {
            using var body = new MemoryStream(buffer, 0, count, writable: false);
            return await client.PutObjectAsync(
                new PutObjectRequest { BucketName = options.Bucket, Key = key, ContentType = contentType, InputStream = body, AutoCloseStream = false, UseChunkEncoding = false },
                cancellationToken);
        },
        cancellationToken);

    private async Task BeginAsync(Func<string, Task> begun, CancellationToken cancellationToken)
    {
        var started = await S3Problem.TellAsync(
            options,
            () => client.InitiateMultipartUploadAsync(new InitiateMultipartUploadRequest { BucketName = options.Bucket, Key = key, ContentType = contentType }, cancellationToken),
            cancellationToken);
        Id = started.UploadId;
        await begun(Id);
    }

    private async Task<PartETag> PutPartAsync(byte[] buffer, int count, int number, CancellationToken cancellationToken)
    {
        if (number > MostParts)
        {
            throw new ArtifactStorageException($"An artifact of more than {(long)MostParts * PartBytes} bytes does not fit into one object of {options}: store it in several.");
        }

        var answer = await S3Problem.TellAsync(
            options,
            async () =>
            {
                using var body = new MemoryStream(buffer, 0, count, writable: false);
                return await client.UploadPartAsync(
                    new UploadPartRequest { BucketName = options.Bucket, Key = key, UploadId = Id, PartNumber = number, PartSize = count, InputStream = body, UseChunkEncoding = false },
                    cancellationToken);
            },
            cancellationToken);
        return new PartETag(number, answer.ETag);
    }

    private async Task CompleteAsync(List<PartETag> parts, CancellationToken cancellationToken)
    {
        await S3Problem.TellAsync(
            options,
            () => client.CompleteMultipartUploadAsync(
                new CompleteMultipartUploadRequest { BucketName = options.Bucket, Key = key, UploadId = Id, PartETags = parts }, cancellationToken),
            cancellationToken);
        Id = null;
    }
}
