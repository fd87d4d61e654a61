using System.Buffers;
using System.Security.Cryptography;
using Npgsql;

namespace Cogo.Core.Artifacts;

/// <summary>
/// Artifacts in a folder of this machine. A file is written beside the others under a name that no artifact can have,
/// flushed to disk, and renamed into place; then the row follows. Should the process die in between, the row is older
/// than the file: reading says that the checksum is another, and the repeated attempt puts it right. Symbolic links below
/// the folder are never followed, since a build that runs here could have laid one.
/// </summary>
public sealed class LocalArtifactStore : ArtifactStore
{
    // '~' cannot occur in an artifact's path, so nothing here can be asked for.
    private const string IncomingFolder = "~incoming";

    /// <summary>See <see cref="ArtifactStore.Storage"/>.</summary>
    public const string StorageName = "local";

    private const int BufferBytes = 81_920;

    private readonly string _base;

    /// <exception cref="ArgumentException"><see cref="ArtifactOptions.BasePath"/> is empty.</exception>
    public LocalArtifactStore(NpgsqlDataSource source, ArtifactOptions options)
        : base(source, (options ?? throw new ArgumentNullException(nameof(options))).TimeToLive)
    {
        if (string.IsNullOrWhiteSpace(options.BasePath))
        {
            throw new ArgumentException($"{ArtifactOptions.BaseSetting} is empty: name the folder that artifacts are kept in.", nameof(options));
        }

        _base = Path.GetFullPath(options.BasePath);
    }

    /// <inheritdoc/>
    public override string Storage => StorageName;

    /// <summary>The folder, absolute.</summary>
    public string BasePath => _base;

    /// <summary>Where an artifact of this path is on disk, whether it exists or not.</summary>
    /// <exception cref="ArgumentException">The path breaks the rule of <see cref="ArtifactPath"/>.</exception>
    public string FilePath(string path)
    {
        ArtifactPath.ThrowIfInvalid(path);
        return Path.Combine(_base, path.Replace('/', Path.DirectorySeparatorChar));
    }

    private protected override async Task<StagedContent> StageAsync(string path, Stream content, ArtifactContext context, CancellationToken cancellationToken)
    {
        var incoming = Path.Combine(_base, IncomingFolder);
        Directory.CreateDirectory(incoming);
        var temporary = Path.Combine(incoming, Guid.NewGuid().ToString("N"));
        try
        {
            var (bytes, sha256) = await WriteAsync(temporary, content, cancellationToken);
            return new StagedFile(this, path, temporary, bytes, sha256);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private protected override Task<Stream?> OpenContentAsync(ArtifactRow row, CancellationToken cancellationToken)
    {
        var file = FilePath(row.Path);
        if (!File.Exists(file) || LinkOnTheWayTo(file) is not null)
        {
            return Task.FromResult<Stream?>(null);
        }

        try
        {
            var stream = new FileStream(file, new FileStreamOptions
            {
                Access = FileAccess.Read,
                Mode = FileMode.Open,
                // A replacement may be renamed over the file while it is read.
                Share = FileShare.Read | FileShare.Delete,
                Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
            });
            return Task.FromResult<Stream?>(stream);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return Task.FromResult<Stream?>(null);
        }
    }

    private protected override Task<bool> DeleteContentAsync(string path, string? key, CancellationToken cancellationToken)
    {
        var place = FilePath(path);
        if (!File.Exists(place))
        {
            return Task.FromResult(false);
        }

        if (LinkOnTheWayTo(place) is { } link)
        {
            throw new IOException($"The artifact {path} was not deleted: {link} is a symbolic link. Remove it and try again.");
        }

        File.Delete(place);
        for (var folder = Path.GetDirectoryName(place)!; folder.Length > _base.Length && !Directory.EnumerateFileSystemEntries(folder).Any(); folder = Path.GetDirectoryName(folder)!)
        {
            Directory.Delete(folder);
        }

        return Task.FromResult(true);
    }

    private static async Task<(long Bytes, string Sha256)> WriteAsync(string file, Stream content, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            await using var target = new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.Asynchronous);
            int read;
            while ((read = await content.ReadAsync(buffer, cancellationToken)) > 0)
            {
                hash.AppendData(buffer, 0, read);
                await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            }

            RandomAccess.FlushToDisk(target.SafeFileHandle);
            return (target.Length, Convert.ToHexStringLower(hash.GetHashAndReset()));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private string? LinkOnTheWayTo(string file)
    {
        for (var at = file; at.Length > _base.Length; at = Path.GetDirectoryName(at)!)
        {
            if (new FileInfo(at).LinkTarget is not null)
            {
                return at;
            }
        }

        return null;
    }

    /// <summary>A whole file in the incoming folder.</summary>
    private sealed class StagedFile(LocalArtifactStore store, string path, string temporary, long bytes, string sha256) : StagedContent(bytes, sha256)
    {
        /// <exception cref="IOException">A folder is in the file's place, or a symbolic link is in the way.</exception>
        public override Task PublishAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
        {
            var file = store.FilePath(path);
            if (store.LinkOnTheWayTo(file) is { } link)
            {
                throw new IOException($"The artifact {path} was not stored: {link} is a symbolic link. Remove it and try again.");
            }

            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.Move(temporary, file, overwrite: true);
            return Task.CompletedTask;
        }

        public override ValueTask DisposeAsync()
        {
            File.Delete(temporary);
            return ValueTask.CompletedTask;
        }
    }
}
