namespace Cogo.Workers.Jobs.Browser;

/// <summary>Addresses that a job may open, and how they are shown.</summary>
internal static class WebAddress
{
    /// <summary>Pages of the web only: <c>file:</c> would read the worker's disk, <c>chrome:</c> the browser itself.</summary>
    public static bool CanOpen(string? text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0;

    /// <summary>Without the query, where keys travel.</summary>
    public static string Shown(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? $"{url.Scheme}://{url.Authority}{url.AbsolutePath}"
            : text.Length <= 100 ? text : text[..100] + "…";
}
