using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Cogo.Workers.Indexing;

/// <summary>
/// How deeply a C# text nests. The parser looks ahead by recursion that nothing bounds (a tuple in a tuple in …), and a
/// stack that overflows ends the process; so nothing deep is given to it.
/// </summary>
internal static class CSharpNesting
{
    private const int Deepest = 1000;

    /// <summary>Never false where the parser would nest deeper; now and then true where it would not.</summary>
    public static bool IsTooDeep(string text, CSharpParseOptions options)
    {
        var open = new Stack<SyntaxKind>();
        var angles = 0;
        foreach (var token in SyntaxFactory.ParseTokens(text, options: options))
        {
            switch (token.Kind())
            {
                case SyntaxKind.OpenParenToken or SyntaxKind.OpenBracketToken or SyntaxKind.OpenBraceToken:
                    open.Push(token.Kind());
                    angles = token.IsKind(SyntaxKind.OpenBraceToken) ? 0 : angles;
                    break;
                case SyntaxKind.CloseParenToken or SyntaxKind.CloseBracketToken or SyntaxKind.CloseBraceToken:
                    // One that closes something else is passed over by the parser too.
                    if (open.TryPeek(out var last) && last == Opening(token.Kind()))
                        open.Pop();
                    break;
                case SyntaxKind.LessThanToken:
                    angles++;
                    break;
                case SyntaxKind.GreaterThanToken:
                    angles = Math.Max(0, angles - 1);
                    break;
                case SyntaxKind.SemicolonToken:
                    angles = 0;
                    break;
                case SyntaxKind.InterpolatedStringToken when token.Text.AsSpan().Count('(') + token.Text.AsSpan().Count('[') + token.Text.AsSpan().Count('{') + token.Text.AsSpan().Count('<') > Deepest:
                    // One token here, whose holes the parser reads in their turn.
                    return true;
            }

            if (open.Count + angles > Deepest)
                return true;
        }

        return false;
    }

    private static SyntaxKind Opening(SyntaxKind closing) => closing switch
    {
        SyntaxKind.CloseParenToken => SyntaxKind.OpenParenToken,
        SyntaxKind.CloseBracketToken => SyntaxKind.OpenBracketToken,
        _ => SyntaxKind.OpenBraceToken,
    };
}
