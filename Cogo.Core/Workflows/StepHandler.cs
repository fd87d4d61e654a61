using System.Text.Json;
using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Workflows;

/// <summary>
/// Around the handler of any route: when a message names somebody to reply to, the reply is published in the transaction
/// that finishes the message. (A message that is given up is replied to by the database.) A step of a run that is no longer
/// wanted, since its run was cancelled, is not begun, or is ended.
/// </summary>
public sealed partial class StepHandler(IMessageHandler inner, WorkflowReader runs, WorkflowOptions options, TimeProvider time, ILogger<StepHandler> logger) : IMessageHandler
{
    private const int ReplyAttempts = 100;

    public async Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(delivery);
        if (Address(delivery.Payload) is not { } reply || !Route.TryParse(reply.To, out var to))
        {
            return await inner.HandleAsync(delivery, cancellationToken);
        }

        if (!Route.Workflow.Equals(to) || !StepToken.TryParse(reply.Token, out var step))
        {
            return WithReply(await inner.HandleAsync(delivery, cancellationToken), delivery, to, reply);
        }

        if (!await runs.IsWantedAsync(step, cancellationToken))
        {
            return Dropped(delivery, step, "It was not begun: its run was cancelled, or goes on without it.");
        }

        using var cut = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var done = new CancellationTokenSource();
        var watch = WatchAsync(step, cut, done.Token);
        try
        {
            var outcome = await inner.HandleAsync(delivery, cut.Token);
            return cut.IsCancellationRequested && !cancellationToken.IsCancellationRequested && outcome is not Outcome.Done
                ? Dropped(delivery, step, "It was ended: its run was cancelled.")
                : WithReply(outcome, delivery, to, reply);
        }
        catch (OperationCanceledException) when (cut.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return Dropped(delivery, step, "It was ended: its run was cancelled.");
        }
        finally
        {
            await done.CancelAsync();
            await watch;
        }
    }

    /// <summary>Null: nobody waits for it. The text is searched first: most messages have no reply, and are large.</summary>
    private static ReplyAddress? Address(string payload) =>
        payload.Contains("\"reply\"", StringComparison.Ordinal) && PipelineRequest.TryRead(payload, out _) is { Reply: { To: not null, Token: not null } reply } ? reply : null;

    private static Outcome WithReply(Outcome outcome, Delivery delivery, Route to, ReplyAddress reply)
    {
        if (outcome is not Outcome.Done)
        {
            return outcome;
        }

        var last = outcome.Events.LastOrDefault(known => !known.Type.EndsWith("_progress", StringComparison.Ordinal));
        var message = new WorkflowMessage
        {
            Token = reply.Token,
            Outcome = WorkflowMessage.Done,
            MessageId = delivery.MessageId,
            Route = delivery.Route.ToString(),
            Event = last?.Type,
            Data = last?.Data is null ? null : JsonSerializer.SerializeToElement(last.Data, CogoJson.Options),
        };
        // Postgres stores no NUL, which a tool's words may hold.
        var payload = JsonSerializer.Serialize(message, CogoJson.Options).Replace("\\u0000", " ", StringComparison.Ordinal);
        return outcome with
        {
            Publish = [.. outcome.Publish, new OutgoingMessage(to, payload) with { Tenant = delivery.Tenant, TraceId = delivery.TraceId, MaxAttempts = ReplyAttempts }],
        };
    }

    private static Outcome.Done Dropped(Delivery delivery, StepToken step, string text) =>
        Outcome.Completed([new AuditEvent(EventTypes.StepCancelled, new { run_id = step.RunId, step = step.Step, route = delivery.Route.ToString(), text })]);

    private async Task WatchAsync(StepToken step, CancellationTokenSource cut, CancellationToken done)
    {
        try
        {
            using var timer = new PeriodicTimer(options.WantedInterval, time);
            while (await timer.WaitForNextTickAsync(done))
            {
                try
                {
                    if (!await runs.IsWantedAsync(step, done))
                    {
                        // Beside the watch, whose end the handler waits for.
                        _ = cut.CancelAsync();
                        return;
                    }
                }
                catch (NpgsqlException e) when (!done.IsCancellationRequested)
                {
                    LogNotSeen(e, step);
                }
            }
        }
        catch (OperationCanceledException) when (done.IsCancellationRequested)
        {
            // The step has ended.
        }
    }

    [LoggerMessage(EventId = 1300, Level = LogLevel.Warning, Message = "Whether step {Step} is still wanted could not be read; trying again")]
    private partial void LogNotSeen(Exception error, StepToken step);
}
