using System.Text;

namespace Cogo.Core.Workspaces;

/// <summary>A unified diff, read as <c>git apply</c> reads it.</summary>
public sealed class UnifiedDiff
{
    private UnifiedDiff(ReadOnlyMemory<byte> bytes, IReadOnlyList<FileDiff> files, int strip)
    {
        Bytes = bytes;
        Files = files;
        Strip = strip;
    }

    public ReadOnlyMemory<byte> Bytes { get; }

    public IReadOnlyList<FileDiff> Files { get; }

    /// <summary>Leading folders of each name that are not part of the path: 1 for <c>a/</c> and <c>b/</c>, 0 for a diff made with <c>--no-prefix</c>.</summary>
    public int Strip { get; }

    /// <exception cref="WorkspaceException"><c>patch_empty</c> or <c>patch_malformed</c>, with the line.</exception>
    public static UnifiedDiff Parse(ReadOnlyMemory<byte> bytes)
    {
        var text = Encoding.Latin1.GetString(bytes.Span);
        if (string.IsNullOrWhiteSpace(text))
            throw new WorkspaceException(WorkspaceCodes.PatchEmpty, "The patch is empty: send a unified diff, such as 'git diff' prints.");

        // A diff that lost its last line end on the way still says all it needs to.
        if (!text.EndsWith('\n'))
        {
            text += "\n";
            bytes = (byte[])[.. bytes.Span, (byte)'\n'];
        }

        var strip = DiffReader.HasPrefixes(text) ? 1 : 0;
        var files = new DiffReader(text, strip).Read();
        return files.Count > 0
            ? new UnifiedDiff(bytes, files, strip)
            : throw new WorkspaceException(WorkspaceCodes.PatchEmpty, "The patch changes no file: send a unified diff, such as 'git diff' prints ('--- a/file', '+++ b/file', '@@ -1 +1 @@').");
    }
}
