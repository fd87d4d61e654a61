namespace Cogo.Core.Artifacts;

/// <summary>The rule of artifact paths: segments of <c>A-Z a-z 0-9 . _ -</c> between single slashes, none of them <c>.</c> or <c>..</c>.</summary>
public static class ArtifactPath
{
    /// <summary>Longest path, in characters.</summary>
    public const int MaxLength = 512;

    /// <summary>Longest segment, in characters: what common file systems take.</summary>
    public const int MaxSegmentLength = 200;

    public static bool IsValid(string? path) => path is not null && Problem(path) is null;

    /// <exception cref="ArgumentException">The path breaks the rule; the message says how.</exception>
    public static void ThrowIfInvalid(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (Problem(path) is { } problem)
        {
            throw new ArgumentException($"'{path}' cannot be the path of an artifact: {problem}. Write <task>/<stage>/<name> with A-Z a-z 0-9 . _ - in each part.", nameof(path));
        }
    }

    private static string? Problem(string path)
    {
        if (path.Length is 0 or > MaxLength)
        {
            return $"it has {path.Length} characters, and 1 to {MaxLength} are allowed";
        }

        if (path[0] == '/')
        {
            return "it is absolute";
        }

        foreach (var segment in path.Split('/'))
        {
            if (segment.Length is 0 or > MaxSegmentLength)
            {
                return $"a part has {segment.Length} characters, and 1 to {MaxSegmentLength} are allowed";
            }

            if (segment is "." or "..")
            {
                return $"it holds '{segment}'";
            }

            if (segment.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-')))
            {
                return $"'{segment}' holds other characters";
            }
        }

        return null;
    }
}
