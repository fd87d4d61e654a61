using System.Diagnostics;

namespace Invoicing.Tests;

/// <summary>A check that does not hold.</summary>
public sealed class CheckFailed(string message) : Exception(message);

/// <summary>Hidden from stack traces, so that the first frame is the test's own line.</summary>
[StackTraceHidden]
public static class Check
{
    public static void Equal<T>(T expected, T actual)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
            throw new CheckFailed($"expected {expected}, got {actual}");
    }

    public static void Throws<TException>(Action action)
        where TException : Exception
    {
        try
        {
            action();
        }
        catch (TException)
        {
            return;
        }

        throw new CheckFailed($"expected {typeof(TException).Name}, nothing was thrown");
    }
}
