namespace Cogo.Cli;

/// <summary>What the user typed cannot work. The message is one sentence or two that say what to do; no stack is shown.</summary>
public sealed class InputException : Exception
{
    public InputException(string message)
        : base(message)
    {
    }

    public InputException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public InputException()
    {
    }
}
