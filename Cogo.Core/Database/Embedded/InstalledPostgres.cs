namespace Cogo.Core.Database.Embedded;

/// <summary>A Postgres that is on the machine already.</summary>
internal static class InstalledPostgres
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>All that run and are new enough, newest first; what was passed over is added to <paramref name="tried"/>.</summary>
    public static async Task<IReadOnlyList<PostgresInstallation>> FindAsync(ServerUser user, List<string> tried, CancellationToken cancellationToken)
    {
        var found = new List<PostgresInstallation>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var directory in await PlacesAsync(cancellationToken))
        {
            if (!seen.Add(Path.GetFullPath(directory)) || !File.Exists(new PostgresInstallation(directory, 0, "").Tool("postgres")))
            {
                continue;
            }

            var (installation, problem) = await PostgresInstallation.ProbeAsync(directory, user, cancellationToken);
            if (installation is null)
            {
                tried.Add(problem);
            }
            else if (installation.Major < PostgresInstallation.OldestMajor)
            {
                tried.Add($"{directory}: {installation.Version} is older than {PostgresInstallation.OldestMajor}");
            }
            else
            {
                found.Add(installation);
            }
        }

        if (found.Count == 0)
        {
            tried.Add("an installed Postgres: none in 'pg_config --bindir', /usr/lib/postgresql, /usr/pgsql-*, /usr/local, Homebrew, Postgres.app or PATH");
        }

        return [.. found.OrderByDescending(installation => installation.Major)];
    }

    private static async Task<List<string>> PlacesAsync(CancellationToken cancellationToken)
    {
        var places = new List<string>();
        if (Command.Find("pg_config") is { } pgConfig)
        {
            var result = await Command.RunAsync([pgConfig, "--bindir"], null, Timeout, cancellationToken);
            if (result.Succeeded)
            {
                places.Add(result.Output.Trim());
            }
        }

        places.AddRange(Below("/usr/lib/postgresql", "*"));
        places.AddRange(Below("/usr", "pgsql-*"));
        places.AddRange(Below("/usr/local/opt", "postgresql*"));
        places.AddRange(Below("/opt/homebrew/opt", "postgresql*"));
        places.AddRange(Below("/Applications/Postgres.app/Contents/Versions", "*"));
        places.Add("/usr/local/pgsql/bin");
        places.Add("/usr/local/bin");
        if (OperatingSystem.IsWindows())
        {
            places.AddRange(Below(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "PostgreSQL"), "*"));
        }

        places.AddRange((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
        return [.. places.Where(Path.IsPathFullyQualified)];
    }

    private static IEnumerable<string> Below(string parent, string pattern) => Directory.Exists(parent)
        ? Directory.EnumerateDirectories(parent, pattern).Select(version => Path.Combine(version, "bin"))
        : [];
}
