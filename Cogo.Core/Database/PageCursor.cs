using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Cogo.Core.Database;

/// <summary>A cursor that did not come from the list it was given to; the message says what to do.</summary>
public sealed class CursorException() : FormatException(
    "This is not a cursor of this list: pass the next_cursor of the page before, or none for the first page.");

/// <summary>
/// The place after the last row of a page, as text that means nothing to others. It holds the values that the list is sorted
/// by, so rows that come or go in the meantime neither repeat nor hide others.
/// </summary>
internal static class PageCursor
{
    private const int LongestText = 8_192;
    private const int SumBytes = 4;

    /// <param name="list">Name of the list: a cursor of one list is refused by another.</param>
    /// <param name="parts">Only the last may hold a line break.</param>
    public static string Write(string list, params string[] parts)
    {
        var text = Encoding.UTF8.GetBytes(string.Join('\n', [list, .. parts]));
        return Base64Url.EncodeToString([.. Sum(text), .. text]);
    }

    /// <summary>Its parts, of the number asked for; null for no cursor.</summary>
    /// <exception cref="CursorException">It is not one of this list.</exception>
    public static string[]? Read(string? cursor, string list, int parts)
    {
        if (cursor is null)
        {
            return null;
        }

        var octets = cursor.Length <= LongestText && Base64Url.IsValid(cursor) ? Base64Url.DecodeFromChars(cursor) : [];
        // One that lost its end on the way would otherwise lead somewhere else.
        var read = octets.Length > SumBytes && Sum(octets.AsSpan(SumBytes)).SequenceEqual(octets.AsSpan(0, SumBytes))
            ? Encoding.UTF8.GetString(octets.AsSpan(SumBytes)).Split('\n', parts + 1)
            : [];
        return read.Length == parts + 1 && read[0] == list && !read.Any(part => part.Contains('\0', StringComparison.Ordinal))
            ? read[1..]
            : throw new CursorException();
    }

    /// <summary>A row's id.</summary>
    /// <exception cref="CursorException">The part is none.</exception>
    public static long Id(string part) =>
        long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : throw new CursorException();

    public static string Of(long id) => id.ToString(CultureInfo.InvariantCulture);

    /// <summary>A point in time.</summary>
    /// <exception cref="CursorException">The part is none.</exception>
    public static DateTimeOffset Time(string part) => Id(part) is var ticks && ticks <= DateTimeOffset.MaxValue.UtcTicks
        ? new DateTimeOffset(ticks, TimeSpan.Zero)
        : throw new CursorException();

    public static string Of(DateTimeOffset time) => Of(time.UtcTicks);

    private static ReadOnlySpan<byte> Sum(ReadOnlySpan<byte> text) => SHA256.HashData(text).AsSpan(0, SumBytes);
}
