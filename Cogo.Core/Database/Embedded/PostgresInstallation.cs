using System.Globalization;
using System.Text.RegularExpressions;

namespace Cogo.Core.Database.Embedded;

/// <summary>Binaries that run here: <c>postgres</c>, <c>initdb</c> and <c>pg_ctl</c> in one folder.</summary>
/// <param name="Major">15, 18.</param>
/// <param name="Version">Such as <c>PostgreSQL 18.4</c>.</param>
public sealed partial record PostgresInstallation(string BinDirectory, int Major, string Version)
{
    /// <summary>Cogo is tested against this one and the newest.</summary>
    public const int OldestMajor = 15;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    internal string Tool(string name) => Path.Combine(BinDirectory, OperatingSystem.IsWindows() ? name + ".exe" : name);

    /// <summary>Null, and why, when the folder does not hold a Postgres that <paramref name="user"/> can run.</summary>
    internal static async Task<(PostgresInstallation? Installation, string Problem)> ProbeAsync(
        string binDirectory, ServerUser user, CancellationToken cancellationToken)
    {
        var candidate = new PostgresInstallation(binDirectory, 0, "");
        foreach (var tool in new[] { "postgres", "initdb", "pg_ctl" })
        {
            if (!File.Exists(candidate.Tool(tool)))
            {
                return (null, $"{binDirectory}: no {tool}");
            }
        }

        var result = await user.RunAsync([candidate.Tool("postgres"), "--version"], Path.GetPathRoot(binDirectory)!, Timeout, cancellationToken);
        var match = VersionPattern().Match(result.Output);
        return result.Succeeded && match.Success
            ? (candidate with { Major = int.Parse(match.Groups["major"].ValueSpan, CultureInfo.InvariantCulture), Version = result.Output.Trim().Replace("postgres (PostgreSQL)", "PostgreSQL", StringComparison.Ordinal) }, "")
            : (null, $"{binDirectory}: 'postgres --version' does not run: {result.Tail}");
    }

    [GeneratedRegex(@"PostgreSQL\) (?<major>\d+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex VersionPattern();
}
