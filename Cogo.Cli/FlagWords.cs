namespace Cogo.Cli;

/// <summary>
/// Flags take the words that their variables take: <c>--dry-run=no</c> as <c>DRY_RUN=no</c>. The parser knows only true
/// and false, and must go on seeing flags, or <c>--dry-run TYPE</c> would take the type for the flag's value.
/// </summary>
internal static class FlagWords
{
    private static readonly string[] Flags = ["--dry-run", "--delete-storage", "--reset-attempts"];

    /// <summary>The command line with such words as true and false.</summary>
    public static string[] Plain(IReadOnlyList<string> args)
    {
        var plain = args.ToArray();
        for (var i = 0; i < plain.Length; i++)
        {
            if (plain[i] == "--")
            {
                break;
            }

            foreach (var flag in Flags)
            {
                if (plain[i].StartsWith($"{flag}=", StringComparison.Ordinal) || plain[i].StartsWith($"{flag}:", StringComparison.Ordinal))
                {
                    plain[i] = $"{flag}={Word(plain[i][(flag.Length + 1)..])}";
                }
                else if (i > 0 && plain[i - 1] == flag)
                {
                    plain[i] = Word(plain[i]);
                }
            }
        }

        return plain;
    }

    private static string Word(string word) => word.ToUpperInvariant() switch
    {
        "YES" or "1" => "true",
        "NO" or "0" => "false",
        _ => word,
    };
}
