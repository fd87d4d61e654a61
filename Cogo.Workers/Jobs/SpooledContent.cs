using Microsoft.AspNetCore.WebUtilities;

namespace Cogo.Workers.Jobs;

/// <summary>The body of a response, read whole: in memory while it is small, else in a temporary file that goes with it.</summary>
internal sealed class SpooledContent : IAsyncDisposable
{
    private const int MemoryBytes = 128 * 1024;

    private readonly FileBufferingReadStream _stream;

    private SpooledContent(FileBufferingReadStream stream, long bytes) => (_stream, Bytes) = (stream, bytes);

    /// <summary>After decompression.</summary>
    public long Bytes { get; }

    /// <summary>Null when the body is larger than <paramref name="limitBytes"/>.</summary>
    public static async Task<SpooledContent?> ReadAsync(HttpContent content, long limitBytes, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        if (content.Headers.ContentLength > limitBytes)
            return null;
        var stream = new FileBufferingReadStream(await content.ReadAsStreamAsync(cancellationToken), MemoryBytes, bufferLimit: null, Path.GetTempPath);
        try
        {
            var buffer = new byte[16 * 1024];
            long bytes = 0;
            int read;
            while ((read = await stream.ReadAsync(buffer, cancellationToken)) > 0)
            {
                bytes += read;
                if (bytes > limitBytes)
                {
                    await stream.DisposeAsync();
                    return null;
                }
            }

            return new SpooledContent(stream, bytes);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <summary>From its beginning; the same stream each time.</summary>
    public Stream Open()
    {
        _stream.Position = 0;
        return _stream;
    }

    /// <summary>The first bytes as UTF-8 text.</summary>
    public async Task<string> TextAsync(int limitBytes, CancellationToken cancellationToken)
    {
        var buffer = new byte[(int)Math.Min(limitBytes, Bytes)];
        await Open().ReadExactlyAsync(buffer, cancellationToken);
        return System.Text.Encoding.UTF8.GetString(buffer);
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}
