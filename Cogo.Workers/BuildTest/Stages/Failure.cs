
namespace Cogo.Workers.BuildTest.Stages;

/// <summary>Why it is not passed.</summary>
/// <param name="Class">One of <see cref="FailureClass"/>.</param>
internal sealed record Failure(string Class, Verdict Verdict, string Message)
{
    public static Failure OfChange(string failureClass, string message) => new(failureClass, Verdict.Failed, message);

    public static Failure OfMachine(string failureClass, string message) => new(failureClass, Verdict.Infrastructure, message);
}
