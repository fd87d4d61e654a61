using System.Text;
using Cogo.Core.Workspaces;

namespace Cogo.Cli.Run;

/// <summary>Reads <c>--patch</c>: a file, or standard input for <c>-</c>.</summary>
internal static class PatchSource
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="InputException">There is no such file, or it is not a patch that could ever apply.</exception>
    public static async Task<string> ReadAsync(string file, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var name = file == "-" ? "The patch on standard input" : $"The patch {file}";
        var bytes = await ReadBytesAsync(file, name, surroundings, cancellationToken);
        if (bytes.AsSpan().StartsWith("\uFEFF"u8))
        {
            bytes = bytes[3..];
        }

        if (bytes.AsSpan().StartsWith<byte>([0xFF, 0xFE]) || bytes.AsSpan().StartsWith<byte>([0xFE, 0xFF]))
        {
            throw new InputException($"{name} is UTF-16, as some shells write it: make it with `git diff --output=FILE`.");
        }

        if (bytes.AsSpan().Trim(" \t\r\n"u8).IsEmpty)
        {
            throw new InputException($"{name} is empty: give a unified diff, such as `git diff` prints.");
        }

        if (bytes.Contains((byte)0))
        {
            throw new InputException($"{name} is a binary file: give a unified diff, such as `git diff` prints.");
        }

        try
        {
            PatchRules.Submitted.Read(bytes);
            return Strict.GetString(bytes);
        }
        catch (WorkspaceException e)
        {
            throw new InputException($"{name} cannot be taken. {e.Message}", e);
        }
        catch (DecoderFallbackException e)
        {
            throw new InputException($"{name} is not UTF-8 at byte {e.Index}. Let the change make those files UTF-8, or have a command make the change (--engine command).", e);
        }
    }

    private static async Task<byte[]> ReadBytesAsync(string file, string name, Surroundings surroundings, CancellationToken cancellationToken)
    {
        try
        {
            await using var input = file == "-"
                ? surroundings.Input()
                : new FileStream(surroundings.FullPath(file), FileMode.Open, FileAccess.Read, FileShare.Read, 4096, FileOptions.Asynchronous);
            using var content = new MemoryStream();
            var buffer = new byte[81_920];
            int read;
            while ((read = await input.ReadAsync(buffer, cancellationToken)) > 0)
            {
                content.Write(buffer, 0, read);
                if (content.Length > PatchRules.Submitted.MaxBytes)
                {
                    throw new InputException($"{name} has more than {PatchRules.Submitted.MaxBytes / 1024 / 1024} MiB. Push the change to a branch and name it with --base, or split it.");
                }
            }

            return content.ToArray();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"There is no file {surroundings.FullPath(file)}. Name the patch with --patch FILE, or --patch - for standard input.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{name} cannot be read: {e.Message}", e);
        }
    }
}
