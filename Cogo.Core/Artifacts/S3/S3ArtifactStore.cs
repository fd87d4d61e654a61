using Amazon.S3;
using Amazon.S3.Model;
using Npgsql;

namespace Cogo.Core.Artifacts.S3;

/// <summary>
/// Artifacts in a bucket. Each writing makes a new object, and the row says which one counts: so writers never meet,
/// readers keep what they opened, and a checksum is always that of its object. Every object is written down before it is
/// made, so that a killed process leaves nothing that nobody knows of.
/// </summary>
public sealed class S3ArtifactStore : ArtifactStore, IDisposable
{
    /// <summary>See <see cref="ArtifactStore.Storage"/>.</summary>
    public const string StorageName = "s3";

    private static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(20);

    private readonly S3Options _options;
    private readonly AmazonS3Client _client;
    private readonly AmazonS3Client _links;

    public S3ArtifactStore(NpgsqlDataSource source, ArtifactOptions artifacts, S3Options options)
        : base(source, (artifacts ?? throw new ArgumentNullException(nameof(artifacts))).TimeToLive)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _client = S3Clients.Create(options, options.Endpoint);
        _links = options.PublicEndpoint is { } elsewhere ? S3Clients.Create(options, elsewhere) : _client;
    }

    /// <inheritdoc/>
    public override string Storage => StorageName;

    /// <inheritdoc/>
    public override async Task CheckAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(CheckTimeout);
        await S3Problem.TellAsync(
            _options,
            () => _client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = _options.Bucket, Prefix = _options.Prefix, MaxKeys = 1 }, limit.Token),
            cancellationToken);
    }

    public void Dispose()
    {
        _client.Dispose();
        _links.Dispose();
    }

    private protected override async Task<StagedContent> StageAsync(string path, Stream content, ArtifactContext context, CancellationToken cancellationToken)
    {
        // '~' cannot occur in an artifact's path: no object can be taken for another artifact.
        var key = $"{_options.Prefix}{path}~{Guid.CreateVersion7():N}";
        await NoteLeftoverAsync(key, null, cancellationToken);
        var upload = new S3Upload(_client, _options, key, context.ContentType);
        try
        {
            var (bytes, sha256) = await upload.RunAsync(content, id => NoteLeftoverAsync(key, id, cancellationToken), cancellationToken);
            return new StagedObject(this, key, bytes, sha256);
        }
        catch
        {
            // Not cancellable: leaving is what is done when everything else was cancelled.
            await DiscardAsync(key, upload.Id, CancellationToken.None);
            throw;
        }
    }

    private protected override async Task<Stream?> OpenContentAsync(ArtifactRow row, CancellationToken cancellationToken) =>
        row.ObjectKey is { } key ? await S3ReadStream.OpenAsync(_client, _options, key, cancellationToken) : null;

    private protected override async Task<bool> DeleteContentAsync(string path, string? key, CancellationToken cancellationToken)
    {
        if (key is null)
        {
            return false;
        }

        await DeleteObjectAsync(key, cancellationToken);
        return true;
    }

    private protected override async Task<SignedLink?> LinkContentAsync(ArtifactRow row, CancellationToken cancellationToken)
    {
        if (row.ObjectKey is not { } key)
        {
            return null;
        }

        var expires = DateTimeOffset.UtcNow + _options.LinkLifetime;
        var request = new GetPreSignedUrlRequest
        {
            BucketName = _options.Bucket,
            Key = key,
            Verb = HttpVerb.GET,
            Expires = expires.UtcDateTime,
            Protocol = (_options.PublicEndpoint ?? _options.Endpoint)?.Scheme == "http" ? Protocol.HTTP : Protocol.HTTPS,
        };
        // What a build made is not trusted: it is saved, not shown, since a link has no sandbox around it.
        request.ResponseHeaderOverrides.ContentDisposition = $"attachment; filename=\"{row.Path[(row.Path.LastIndexOf('/') + 1)..]}\"";
        var address = await S3Problem.TellAsync(_options, () => _links.GetPreSignedURLAsync(request), cancellationToken);
        return new SignedLink(new Uri(address), expires);
    }

    private protected override async Task<bool> DiscardAsync(string key, string? upload, CancellationToken cancellationToken)
    {
        try
        {
            if (upload is not null)
            {
                await AbortAsync(key, upload, cancellationToken);
            }

            await DeleteObjectAsync(key, cancellationToken);
            await StrikeLeftoverAsync(key, cancellationToken);
            return true;
        }
        catch (Exception e) when (e is ArtifactStorageException or NpgsqlException)
        {
            // It is written down: the clean-up tries again.
            return false;
        }
    }

    private async Task AbortAsync(string key, string upload, CancellationToken cancellationToken)
    {
        try
        {
            await S3Problem.TellAsync(
                _options,
                () => _client.AbortMultipartUploadAsync(new AbortMultipartUploadRequest { BucketName = _options.Bucket, Key = key, UploadId = upload }, cancellationToken),
                cancellationToken);
        }
        catch (ArtifactStorageException e) when (S3Problem.IsMissingUpload(e))
        {
            // It was ended meanwhile; what came of it is deleted as an object.
        }
    }

    private Task<DeleteObjectResponse> DeleteObjectAsync(string key, CancellationToken cancellationToken) => S3Problem.TellAsync(
        _options,
        () => _client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = _options.Bucket, Key = key }, cancellationToken),
        cancellationToken);

    /// <summary>An object that no row names yet.</summary>
    private sealed class StagedObject(S3ArtifactStore store, string key, long bytes, string sha256) : StagedContent(bytes, sha256)
    {
        public override string ObjectKey => key;

        public override Task PublishAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
            store.StrikeLeftoverAsync(connection, key, cancellationToken);

        public override async ValueTask DisposeAsync()
        {
            if (!Kept)
            {
                await store.DiscardAsync(key, null, CancellationToken.None);
            }
        }
    }
}
