using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Cogo.Core.Audit;

/// <summary>The last row of a page of events, as opaque text.</summary>
internal sealed record EventCursor(DateTimeOffset CreatedAt, long Id)
{
    /// <exception cref="FormatException">It is not one of ours.</exception>
    public static EventCursor? Read(string? text)
    {
        if (text is null)
        {
            return null;
        }

        if (text.Length <= 100 && Base64Url.IsValid(text)
            && Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text)).Split(' ') is [var first, var second]
            && long.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) && ticks <= DateTimeOffset.MaxValue.UtcTicks
            && long.TryParse(second, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
        {
            return new EventCursor(new DateTimeOffset(ticks, TimeSpan.Zero), id);
        }

        throw new FormatException("The cursor is none of ours: pass the next_cursor of the page before, or none for the first page.");
    }

    public override string ToString() => Base64Url.EncodeToString(
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{CreatedAt.UtcTicks} {Id}")));
}
