using System.Text;
using System.Text.RegularExpressions;

namespace Cogo.Core.Indexing;

/// <summary>Paths with '/' against patterns: <c>*</c> and <c>?</c> within a folder, <c>**</c> across folders, without case. Linear in the path.</summary>
internal sealed class PathGlob
{
    private readonly Regex _pattern;

    /// <exception cref="FormatException">A pattern is absolute, or holds a backslash or '..'.</exception>
    public PathGlob(IEnumerable<string> globs)
    {
        var text = new StringBuilder(@"\A(?:");
        var first = true;
        foreach (var glob in globs)
        {
            if (glob.Length == 0 || glob[0] == '/' || glob.Contains('\\', StringComparison.Ordinal) || glob.Split('/').Contains("..", StringComparer.Ordinal))
            {
                throw new FormatException($"'{glob}' is not a pattern of relative paths: write it like src/** or **/*.g.cs.");
            }

            text.Append(first ? "" : "|");
            Append(text, glob);
            first = false;
        }

        // Nothing is matched by no pattern.
        _pattern = new Regex(first ? @"\A(?!)" : text.Append(@")\z").ToString(), (first ? RegexOptions.None : RegexOptions.NonBacktracking) | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.Singleline, TimeSpan.FromSeconds(1));
    }

    public bool IsMatch(string path) => _pattern.IsMatch(path);

    private static void Append(StringBuilder text, string glob)
    {
        for (var i = 0; i < glob.Length; i++)
        {
            if (glob.AsSpan(i).StartsWith("**/"))
            {
                text.Append("(?:.*/)?");
                i += 2;
            }
            else if (glob.AsSpan(i).StartsWith("**"))
            {
                text.Append(".*");
                i++;
            }
            else
            {
                text.Append(glob[i] switch { '*' => "[^/]*", '?' => "[^/]", var c => Regex.Escape(c.ToString()) });
            }
        }
    }
}
