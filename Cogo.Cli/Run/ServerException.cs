namespace Cogo.Cli.Run;

/// <summary>A Cogo server does not answer, or answers what it should not. The message says what to do.</summary>
public sealed class ServerException : Exception
{
    public ServerException(string message)
        : base(message)
    {
    }

    public ServerException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public ServerException()
    {
    }

    /// <summary>Asking again may help.</summary>
    public bool Transient { get; init; }
}
