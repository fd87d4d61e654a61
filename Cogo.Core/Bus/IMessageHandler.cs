namespace Cogo.Core.Bus;

/// <summary>Handles the messages of one route. An exception counts as <see cref="Outcome.Retry"/>.</summary>
public interface IMessageHandler
{
    /// <param name="cancellationToken">Cancelled when the worker stops or the lease is lost; what the handler then returns is discarded.</param>
    Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken);
}
