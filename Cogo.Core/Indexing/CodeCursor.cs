using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Cogo.Core.Indexing;

/// <summary>The last row of a page, as text that means nothing to others.</summary>
internal static class CodeCursor
{
    public static string Write(string[] parts) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(string.Join('\n', parts)));

    /// <summary>Its parts; null for no cursor.</summary>
    /// <param name="number">Which part is a decimal number, or -1.</param>
    /// <param name="id">Which part is a row's id, or -1.</param>
    /// <exception cref="FormatException">It is not one of ours.</exception>
    public static string[]? Read(string? cursor, int parts, int number = -1, int id = -1)
    {
        if (cursor is null)
            return null;

        var read = Base64Url.IsValid(cursor) ? Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor)).Split('\n') : [];
        return read.Length == parts
            && !read.Any(part => part.Contains('\0', StringComparison.Ordinal))
            && (number < 0 || (decimal.TryParse(read[number], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var score) && score < 100))
            && (id < 0 || long.TryParse(read[id], NumberStyles.None, CultureInfo.InvariantCulture, out _))
            ? read
            : throw new FormatException($"'{cursor}' is not a cursor: pass the next_cursor of the page before, or none for the first page.");
    }
}
