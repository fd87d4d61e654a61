using System.Buffers;
using System.Security.Cryptography;
using Npgsql;

namespace Cogo.Core.Artifacts;

/// <summary>
/// Artifacts in a folder of this machine. A file is written beside the others under a name that no artifact can have,
/// flushed to disk, and renamed into place; then the row follows. Should the process die in between, the row is older
/// than the file, and the repeated attempt puts it right. Symbolic links below the folder are never followed, since a
/// build that runs here could have laid one.
/// </summary>
public sealed class LocalArtifactStore : IArtifactStore
{
    // '~' cannot occur in an artifact's path, so nothing here can be asked for.
    private const string IncomingFolder = "~incoming";
    private const int BufferBytes = 81_920;

    private readonly NpgsqlDataSource _source;
    private readonly ArtifactOptions _options;
    private readonly string _base;

    /// <exception cref="ArgumentException"><see cref="ArtifactOptions.BasePath"/> is empty.</exception>
    public LocalArtifactStore(NpgsqlDataSource source, ArtifactOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (string.IsNullOrWhiteSpace(options.BasePath))
        {
            throw new ArgumentException($"{ArtifactOptions.BaseSetting} is empty: name the folder that artifacts are kept in.", nameof(options));
        }

        _source = source;
        _options = options;
        _base = Path.GetFullPath(options.BasePath);
    }

    /// <summary>The folder, absolute.</summary>
    public string BasePath => _base;

    /// <summary>Where an artifact of this path is on disk, whether it exists or not.</summary>
    /// <exception cref="ArgumentException">The path breaks the rule of <see cref="ArtifactPath"/>.</exception>
    public string FilePath(string path)
    {
        ArtifactPath.ThrowIfInvalid(path);
        return Path.Combine(_base, path.Replace('/', Path.DirectorySeparatorChar));
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The disk is full, a folder is in the file's place, or a symbolic link is in the way.</exception>
    public async Task<Artifact> SaveAsync(string path, Stream content, ArtifactContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(context);
        var file = FilePath(path);
        var incoming = Path.Combine(_base, IncomingFolder);
        Directory.CreateDirectory(incoming);
        var temporary = Path.Combine(incoming, Guid.NewGuid().ToString("N"));
        try
        {
            var (bytes, sha256) = await WriteAsync(temporary, content, cancellationToken);
            if (LinkOnTheWayTo(file) is { } link)
            {
                throw new IOException($"The artifact {path} was not stored: {link} is a symbolic link. Remove it and try again.");
            }

            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.Move(temporary, file, overwrite: true);
            await UpsertAsync(path, bytes, sha256, context, cancellationToken);
            return new Artifact(path, bytes, sha256);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <inheritdoc/>
    public Task<Stream?> OpenAsync(string path, CancellationToken cancellationToken)
    {
        var file = FilePath(path);
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

    /// <summary>
    /// Forgets an artifact and, with <paramref name="file"/>, deletes its file first, so that no file is left without a
    /// row. Returns whether there was a file to delete.
    /// </summary>
    /// <exception cref="IOException">The file cannot be deleted, or a symbolic link is in the way.</exception>
    public async Task<bool> DeleteAsync(string path, bool file, CancellationToken cancellationToken)
    {
        var place = FilePath(path);
        var deleted = false;
        if (file && File.Exists(place))
        {
            if (LinkOnTheWayTo(place) is { } link)
            {
                throw new IOException($"The artifact {path} was not deleted: {link} is a symbolic link. Remove it and try again.");
            }

            File.Delete(place);
            deleted = true;
            for (var folder = Path.GetDirectoryName(place)!; folder.Length > _base.Length && !Directory.EnumerateFileSystemEntries(folder).Any(); folder = Path.GetDirectoryName(folder)!)
            {
                Directory.Delete(folder);
            }
        }

        await using var forget = _source.CreateCommand(ArtifactQueries.Delete);
        forget.Parameters.Add(new NpgsqlParameter<string> { TypedValue = path });
        await forget.ExecuteNonQueryAsync(cancellationToken);
        return deleted;
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

    private async Task UpsertAsync(string path, long bytes, string sha256, ArtifactContext context, CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand(ArtifactQueries.Upsert);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = path });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = context.TaskId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = context.TraceId });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = bytes });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sha256 });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = context.ContentType });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = "local" });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)_options.TimeToLive ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Interval });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
