namespace Cogo.Core.Audit;

/// <summary>A row of <c>public.bus_events</c>: appended, never changed.</summary>
/// <param name="Type">One of <see cref="EventTypes"/>, or a name in the same style.</param>
/// <param name="Data">Anything that serializes to a JSON object; never a secret.</param>
public sealed record AuditEvent(string Type, object? Data = null)
{
    /// <summary>The trace it belongs to; null: the delivery's.</summary>
    public string? TraceId { get; init; }
}
