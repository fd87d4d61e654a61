using System.Text;

namespace Cogo.Core.Indexing;

/// <summary>Bytes as text that Postgres can hold.</summary>
internal static class SourceText
{
    /// <summary>
    /// By its byte order mark, else UTF-8; bytes that are neither become U+FFFD. Null for what is not text: it holds a NUL
    /// in its first bytes, as git judges.
    /// </summary>
    public static string? TryDecode(byte[] content, int probe)
    {
        var (encoding, mark) = content switch
        {
            [0xEF, 0xBB, 0xBF, ..] => (Encoding.UTF8, 3),
            [0xFF, 0xFE, 0, 0, ..] => (Encoding.UTF32, 4),
            [0xFF, 0xFE, ..] => (Encoding.Unicode, 2),
            [0xFE, 0xFF, ..] => (Encoding.BigEndianUnicode, 2),
            _ => (Encoding.UTF8, 0),
        };
        if (mark is 0 or 3 && content.AsSpan(0, Math.Min(content.Length, probe)).Contains((byte)0))
            return null;
        var text = encoding.GetString(content.AsSpan(mark));
        return text.Contains('\0', StringComparison.Ordinal) ? text.Replace('\0', ' ') : text;
    }
}
