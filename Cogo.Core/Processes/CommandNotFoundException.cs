namespace Cogo.Core.Processes;

/// <summary>The command is not on this machine: a fault of the machine or of the request, never of the code under test.</summary>
public sealed class CommandNotFoundException : Exception
{
    public CommandNotFoundException()
    {
    }

    public CommandNotFoundException(string message)
        : base(message)
    {
    }

    public CommandNotFoundException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
