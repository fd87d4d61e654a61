using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Cogo.Core.Database.Embedded;

/// <summary>Chooses the binaries: the wanted ones, those that fit the data that is there, npm's, an installed one.</summary>
internal sealed partial class PostgresBinaries(EmbeddedPostgresOptions options, ServerUser user, ILogger logger)
{
    private const string SharedCache = "/var/cache/cogo";

    /// <param name="majorsWithData">Versions whose data is kept already: with <c>auto</c> they go before a newer one.</param>
    /// <exception cref="EmbeddedPostgresException">None runs: what was tried and what to do.</exception>
    public async Task<PostgresInstallation> ChooseAsync(IReadOnlyCollection<int> majorsWithData, CancellationToken cancellationToken)
    {
        var tried = new List<string>();
        if (Path.IsPathFullyQualified(options.Version))
        {
            return await AtAsync(options.Version, cancellationToken);
        }

        int? wanted = null;
        if (!string.Equals(options.Version, EmbeddedPostgresOptions.AnyVersion, StringComparison.OrdinalIgnoreCase))
        {
            wanted = int.TryParse(options.Version, NumberStyles.None, CultureInfo.InvariantCulture, out var major) && major >= PostgresInstallation.OldestMajor
                ? major
                : throw new EmbeddedPostgresException(
                    $"COGO_POSTGRES is '{options.Version}': set it to a major version from {PostgresInstallation.OldestMajor} on, such as 18, to the full path of the folder that holds postgres, initdb and pg_ctl, or to auto.");
        }
        else if (majorsWithData.Count > 0 && !majorsWithData.Contains(NpmPostgres.Major))
        {
            // A database begun with an installed version goes on with it, rather than seem empty.
            var installed = await InstalledPostgres.FindAsync(user, tried, cancellationToken);
            if (installed.FirstOrDefault(installation => majorsWithData.Contains(installation.Major)) is { } fitting)
            {
                LogStays(logger, fitting.Major, NpmPostgres.Major);
                return fitting;
            }
        }

        if (wanted is null or NpmPostgres.Major)
        {
            var npm = new NpmPostgres(await CacheDirectoryAsync(cancellationToken), user, logger);
            if (await npm.FindAsync(tried, cancellationToken) is { } fetched)
            {
                return fetched;
            }
        }
        else
        {
            tried.Add($"npm: its packages hold Postgres {NpmPostgres.Major} only");
        }

        var candidates = await InstalledPostgres.FindAsync(user, tried, cancellationToken);
        if (candidates.FirstOrDefault(installation => wanted is null || installation.Major == wanted) is { } chosen)
        {
            if (wanted is null)
            {
                var reason = string.Join("; ", tried);
                LogFallback(logger, chosen.Version, chosen.BinDirectory, reason);
            }

            return chosen;
        }

        tried.AddRange(candidates.Select(installation => $"{installation.BinDirectory}: {installation.Version}"));
        throw new EmbeddedPostgresException(
            $"No Postgres{(wanted is null ? $" {PostgresInstallation.OldestMajor} or later" : $" {wanted}")} to run. Tried:\n"
            + string.Join('\n', tried.Distinct(StringComparer.Ordinal).Select(line => $"  - {line}"))
            + "\nDo one of these: put npm (Node.js) on PATH and let it reach its registry; install Postgres (Debian: apt-get install postgresql; macOS: brew install postgresql); "
            + "set COGO_POSTGRES to a folder with postgres, initdb and pg_ctl; or set ConnectionStrings__cogo to a server of your own.");
    }

    private async Task<PostgresInstallation> AtAsync(string path, CancellationToken cancellationToken)
    {
        var below = Path.Combine(path, "bin");
        var (installation, problem) = await PostgresInstallation.ProbeAsync(Directory.Exists(below) ? below : path, user, cancellationToken);
        return installation switch
        {
            null => throw new EmbeddedPostgresException($"COGO_POSTGRES names a folder without a Postgres that runs here: {problem}. Set it to the folder that holds postgres, initdb and pg_ctl."),
            { Major: < PostgresInstallation.OldestMajor } => throw new EmbeddedPostgresException($"COGO_POSTGRES names {installation.Version}, Cogo needs {PostgresInstallation.OldestMajor} or later."),
            _ => installation,
        };
    }

    private async Task<string> CacheDirectoryAsync(CancellationToken cancellationToken)
    {
        var wanted = Path.GetFullPath(options.CacheDirectory
            ?? (user.IsAnother ? SharedCache : Path.Combine(UserCache(), "cogo")));
        if (!user.IsAnother)
        {
            return wanted;
        }

        user.CreateDirectory(wanted);
        if (await user.CanReachAsync(wanted, cancellationToken))
        {
            return wanted;
        }

        LogUnreachableCache(logger, wanted, SharedCache);
        return SharedCache;
    }

    private static string UserCache()
    {
        if (OperatingSystem.IsWindows())
        {
            return Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        }

        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Caches")
            : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathFullyQualified(cache) ? cache
            : Path.Combine(home, ".cache");
    }

    [LoggerMessage(EventId = 1103, Level = LogLevel.Warning, Message = "Going on with Postgres {Major}, whose data is here; COGO_POSTGRES={Newest} begins an empty database with {Newest}")]
    private static partial void LogStays(ILogger logger, int major, int newest);

    [LoggerMessage(EventId = 1104, Level = LogLevel.Information, Message = "Using the installed {Version} in {Directory} ({Reason})")]
    private static partial void LogFallback(ILogger logger, string version, string directory, string reason);

    [LoggerMessage(EventId = 1105, Level = LogLevel.Information, Message = "Binaries go to {Used}: the unprivileged user that runs Postgres cannot reach {Wanted}")]
    private static partial void LogUnreachableCache(ILogger logger, string wanted, string used);
}
