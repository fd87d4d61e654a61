using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Cogo.Core.Workspaces;

/// <summary>A repository as the user wrote it: a local path, or a URL whose credentials are kept apart.</summary>
public sealed partial record RepositoryLocation
{
    private RepositoryLocation()
    {
    }

    /// <summary>Full local path, or null for a URL.</summary>
    public string? LocalPath { get; private init; }

    /// <summary>The URL without password, or null for a local path.</summary>
    public string? Url { get; private init; }

    /// <summary>User name that was written in an http(s) URL.</summary>
    internal string? UserName { get; private init; }

    /// <summary>Password or token that was written in an http(s) URL.</summary>
    internal string? Password { get; private init; }

    /// <summary>For messages, logs and events: never holds a credential.</summary>
    public string Display => LocalPath ?? Url!;

    /// <exception cref="WorkspaceException"><c>repo_not_found</c>: empty, or a scheme that is not supported.</exception>
    public static RepositoryLocation Parse(string? repo)
    {
        if (string.IsNullOrWhiteSpace(repo) || repo.Any(char.IsControl))
            throw new WorkspaceException(WorkspaceCodes.RepoNotFound, "No repository was named: give a local path or a git URL.");

        if (repo.Contains("://", StringComparison.Ordinal))
            return ParseUrl(repo);

        if (ScpLike().IsMatch(repo) && !Directory.Exists(repo))
            return new RepositoryLocation { Url = repo };

        return repo.Contains("::", StringComparison.Ordinal) && !Directory.Exists(repo)
            ? throw Unsupported(repo[..repo.IndexOf("::", StringComparison.Ordinal)])
            : new RepositoryLocation { LocalPath = Path.GetFullPath(repo) };
    }

    /// <summary>Replaces <c>user:password@</c> in every URL of a text.</summary>
    public static string WithoutCredentials(string text) => Credentials().Replace(text, "${scheme}***@");

    /// <summary>A file name for this repository: the same for every way its credentials are written.</summary>
    internal static string Key(string canonical) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))[..24];

    private static RepositoryLocation ParseUrl(string repo)
    {
        if (!Uri.TryCreate(repo, UriKind.Absolute, out var uri))
            throw new WorkspaceException(WorkspaceCodes.RepoNotFound, $"'{WithoutCredentials(repo)}' is not a URL: write https://host/path, ssh://host/path or a local path.");

        switch (uri.Scheme)
        {
            case "file" when uri.Host.Length == 0 || uri.IsLoopback:
                return new RepositoryLocation { LocalPath = Path.GetFullPath(uri.LocalPath) };
            case "ssh":
                return new RepositoryLocation { Url = WithoutPassword(uri) };
            case "http" or "https":
                var parts = uri.UserInfo.Split(':', 2);
                var bare = new UriBuilder(uri) { UserName = "", Password = "" }.Uri.AbsoluteUri;
                return new RepositoryLocation
                {
                    Url = bare,
                    UserName = parts[0].Length > 0 ? Uri.UnescapeDataString(parts[0]) : null,
                    Password = parts.Length == 2 ? Uri.UnescapeDataString(parts[1]) : null,
                };
            default:
                throw Unsupported(uri.Scheme);
        }
    }

    private static string WithoutPassword(Uri uri) =>
        new UriBuilder(uri) { UserName = uri.UserInfo.Split(':', 2)[0], Password = "" }.Uri.AbsoluteUri;

    private static WorkspaceException Unsupported(string scheme) =>
        new(WorkspaceCodes.RepoNotFound, $"Repositories over '{scheme}' are not supported: use http, https, ssh, file or a local path.");

    [GeneratedRegex(@"\A([A-Za-z0-9_.-]+@)[A-Za-z0-9.\[][^/:\s]*:[^:\s].*\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ScpLike();

    [GeneratedRegex(@"(?<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^/\s'""@]*@", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Credentials();
}
