namespace Cogo.Cli;

/// <summary>A file that an option names to be written.</summary>
internal static class OutputFile
{
    /// <summary>Writes it, and makes its folder.</summary>
    /// <exception cref="InputException">It cannot be written.</exception>
    public static async Task WriteAsync(string option, string path, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllBytesAsync(path, content, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{option} {path} cannot be written: {e.Message}", e);
        }
    }
}
