using Cogo.Core.Gates;

namespace Cogo.Core.Notifications;

/// <summary>A gate's answer as the text of a notification.</summary>
public static class GateNotice
{
    /// <summary>The verdict, then a line for each rule.</summary>
    public static string Text(GateAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        return $"{answer.Verdict.ToString().ToUpperInvariant()}\n{string.Join('\n', answer.Rules.Select(rule => $"{rule.Verdict.ToString().ToLowerInvariant()}: {rule.Name} {rule.Actual}"))}";
    }
}
