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

    /// <summary>The sentence of a refused argument, without the name that it has in the code.</summary>
    internal static InputException Of(Exception refused)
    {
        var suffix = refused is ArgumentException { ParamName: { } name } ? $" (Parameter '{name}')" : "";
        return new InputException(refused.Message.EndsWith(suffix, StringComparison.Ordinal) ? refused.Message[..^suffix.Length] : refused.Message, refused);
    }
}
