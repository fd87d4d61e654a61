namespace Cogo.Core.Database.Embedded;

/// <summary>A server that accepts connections; disposed, it stops.</summary>
internal interface IServer : IAsyncDisposable
{
    /// <summary>Completes when the server has ended by itself; cancelled when it was stopped.</summary>
    Task Exited { get; }
}
