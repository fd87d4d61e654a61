namespace Cogo.Core.Indexing;

/// <summary>Which words of a task may be words of its code.</summary>
internal static class TaskWords
{
    private const int Most = 40;
    private const int Shortest = 3;

    private static readonly HashSet<string> Common = new(
        ("the and for with that this from into when then than not but are was were has have had its all any can could should would must may might will shall does did "
        + "use used using make made add new one two out per via also only where which while what who how why you your our their they them there here each every some "
        + "such same other more most less least very just now after before over under between without within about because please change fix repair task file files "
        + "code test tests line lines be is it in on of to as at by or if no do so we an a").Split(' '), StringComparer.Ordinal);

    /// <summary>In lower case, whole identifiers before parts of them, at most forty.</summary>
    public static IReadOnlyList<string> Of(string task)
    {
        var words = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (text, isName) in Tokens(task).Select(token => (token, IsIdentifier(token))).OrderByDescending(token => token.Item2).ToList())
        {
            foreach (var word in CodeWords.OfName(text))
            {
                if ((isName || word.Length >= Shortest) && !Common.Contains(word) && seen.Add(word) && words.Count < Most)
                    words.Add(word);
            }
        }

        return words;
    }

    private static IEnumerable<string> Tokens(string task)
    {
        var start = -1;
        for (var i = 0; i <= task.Length; i++)
        {
            if (i < task.Length && CodeWords.IsWordPart(task[i]))
            {
                start = start < 0 ? i : start;
            }
            else if (start >= 0)
            {
                if (CodeWords.IsWordStart(task[start]))
                    yield return task[start..i];
                start = -1;
            }
        }
    }

    /// <summary>As code writes names and prose does not: a capital or an underscore after the first letter.</summary>
    private static bool IsIdentifier(string token) => token.AsSpan(1).ContainsAnyInRange('A', 'Z') || token.Contains('_', StringComparison.Ordinal);
}
