using Cogo.Core.Bus;
using Cogo.Core.Pipeline;

namespace Cogo.Core.Workflows;

/// <summary>
/// Reads <c>workflow/run/0</c>: how steps ended, and reminders. All that follows is decided and written in the transaction
/// that ends the message, so a process that dies at any point leaves a run that goes on. What it cannot read is
/// dead-lettered as <c>malformed_request</c>.
/// </summary>
public sealed class WorkflowMessageHandler(WorkflowEngine engine) : IMessageHandler
{
    public Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(delivery);
        if (WorkflowMessage.TryRead(delivery.Payload, out var problem) is not { } message)
        {
            return Refuse(problem!);
        }

        return StepToken.TryParse(message.Token, out var token)
            ? Task.FromResult<Outcome>(Outcome.Completed() with { Write = (transaction, stop) => engine.HandleAsync(transaction, delivery, token, message, stop) })
            : Refuse("token does not name a step of a run: write <run>/<step>, as the reply of a step's message has it.");
    }

    private static Task<Outcome> Refuse(string reason) => Task.FromResult<Outcome>(new Outcome.Fail("malformed_request", reason, Verdict.Invalid));
}
