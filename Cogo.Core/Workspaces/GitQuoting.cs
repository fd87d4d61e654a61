using System.Text;

namespace Cogo.Core.Workspaces;

/// <summary>Names as git writes them: bare, or in C quotes (<c>"a/\303\244.txt"</c>) when they hold unusual bytes.</summary>
internal static class GitQuoting
{
    /// <summary>Reads a quoted name at the start of <paramref name="text"/> (one char a byte); <paramref name="length"/> is what it took.</summary>
    public static string? TryUnquote(ReadOnlySpan<char> text, out int length)
    {
        length = 0;
        if (text.IsEmpty || text[0] != '"')
            return null;

        var bytes = new List<byte>();
        for (var i = 1; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '"':
                    length = i + 1;
                    return Encoding.UTF8.GetString([.. bytes]);
                case '\\' when i + 1 < text.Length:
                    i++;
                    if (text[i] is >= '0' and <= '3')
                    {
                        if (i + 2 >= text.Length || text[i + 1] is < '0' or > '7' || text[i + 2] is < '0' or > '7')
                            return null;
                        bytes.Add((byte)(((text[i] - '0') << 6) | ((text[i + 1] - '0') << 3) | (text[i + 2] - '0')));
                        i += 2;
                    }
                    else if (Escape(text[i]) is { } escaped)
                    {
                        bytes.Add(escaped);
                    }
                    else
                    {
                        return null;
                    }

                    break;
                default:
                    bytes.Add((byte)text[i]);
                    break;
            }
        }

        return null;
    }

    /// <summary>A line of git's output that is one name, quoted or not.</summary>
    public static string Unquote(string line) =>
        line.StartsWith('"') && TryUnquote(line, out var length) is { } name && length == line.Length ? name : line;

    /// <summary>Text that was read one char a byte, as UTF-8.</summary>
    public static string Decode(ReadOnlySpan<char> latin1)
    {
        var bytes = new byte[latin1.Length];
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)latin1[i];
        return Encoding.UTF8.GetString(bytes);
    }

    private static byte? Escape(char c) => c switch
    {
        'a' => 7,
        'b' => 8,
        't' => 9,
        'n' => 10,
        'v' => 11,
        'f' => 12,
        'r' => 13,
        '"' => (byte)'"',
        '\\' => (byte)'\\',
        _ => null,
    };
}
