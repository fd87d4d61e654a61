using Cogo.Core.Database;

namespace Cogo.Core.Audit;

/// <summary>The last row of a page of events.</summary>
internal sealed record EventCursor(DateTimeOffset CreatedAt, long Id)
{
    /// <param name="list">As <see cref="PageCursor.Write"/> was given it.</param>
    /// <exception cref="CursorException">It is not one of this list.</exception>
    public static EventCursor? Read(string? cursor, string list) =>
        PageCursor.Read(cursor, list, 2) is [var createdAt, var id] ? new EventCursor(PageCursor.Time(createdAt), PageCursor.Id(id)) : null;

    public string Write(string list) => PageCursor.Write(list, PageCursor.Of(CreatedAt), PageCursor.Of(Id));
}
