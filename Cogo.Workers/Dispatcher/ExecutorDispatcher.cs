using System.Text;
using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Audit;

namespace Cogo.Workers.Dispatcher;

/// <summary>
/// Reads <c>orchestrator/execute/0</c>: checks the request and relays it to its target, in one transaction with the
/// acknowledgement. What it refuses is dead-lettered and audited as <c>execute_failed</c> with a code:
/// <c>malformed_request</c>, <c>oversize_payload</c>, <c>unknown_target</c>, <c>invalid_request</c>; the bus itself
/// adds <c>expired</c> and <c>retries_exhausted</c>.
/// </summary>
public sealed class ExecutorDispatcher(DispatcherOptions options) : IMessageHandler
{
    public Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken) => Task.FromResult(Relay(delivery));

    private Outcome Relay(Delivery delivery)
    {
        ArgumentNullException.ThrowIfNull(delivery);
        var bytes = Encoding.UTF8.GetByteCount(delivery.Payload);
        if (bytes > options.PayloadLimitBytes)
        {
            return Refuse("oversize_payload", $"The payload has {bytes} bytes and the limit is {options.PayloadLimitBytes}: store the content as an artifact and send its path.");
        }

        if (PipelineRequest.TryRead(delivery.Payload, out var problem) is not { } request)
        {
            return Refuse("malformed_request", problem!);
        }

        if (!Route.TryParse(request.Target, out var target))
        {
            return Refuse("unknown_target", $"target '{Shortened(request.Target)}' is not a route: {Known()}");
        }

        if (!options.Targets.Any(known => RequestRules.IsSame(known, target)))
        {
            return Refuse("unknown_target", $"No worker is known for target {target}: {Known()}");
        }

        var problems = RequestRules.Check(request, target);
        if (problems.Count > 0)
        {
            return Refuse("invalid_request", string.Join(' ', problems.Select(p => p.Message)));
        }

        var relayed = request with { Target = null, TaskId = request.TaskId ?? $"task-{delivery.MessageId}" };
        var message = new OutgoingMessage(target, JsonSerializer.Serialize(relayed, CogoJson.Options))
        {
            Tenant = delivery.Tenant,
            Priority = delivery.Priority,
            MaxAttempts = delivery.MaxAttempts,
        };
        var data = new { task_id = relayed.TaskId, target = target.ToString() };
        return Outcome.Completed(
            events: [new AuditEvent(EventTypes.ExecuteEnqueued, data), new AuditEvent(EventTypes.ExecuteDone, data)],
            publish: [message]);
    }

    private string Known() => $"use one of {string.Join(", ", options.Targets)}.";

    private static string Shortened(string? text) => text is null ? "" : text.Length <= 80 ? text : string.Concat(text.AsSpan(0, 80), "…");

    private static Outcome.Fail Refuse(string code, string reason) => new(code, reason, Verdict.Invalid);
}
