namespace Cogo.Cli.Run;

/// <summary>The address of a Cogo, as an option or a variable gives it.</summary>
internal static class ServerAddress
{
    public const string Variable = "COGO_URL";
    public const string Default = "http://localhost:3000";

    /// <exception cref="InputException">It is no address; <paramref name="source"/> says where it was written.</exception>
    public static Uri Of(string text, string source) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : throw new InputException($"{source} is '{text}', which is no address of a server: write it like {Default}.");
}
