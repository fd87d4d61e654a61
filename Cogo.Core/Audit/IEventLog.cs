using Cogo.Core.Bus;

namespace Cogo.Core.Audit;

/// <summary>Appends to <c>public.bus_events</c> at once, outside any outcome: for progress that a person watches.</summary>
public interface IEventLog
{
    /// <summary>Appends an event of the delivery's trace, message and attempt.</summary>
    Task AppendAsync(Delivery delivery, AuditEvent auditEvent, CancellationToken cancellationToken);
}
