using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Cogo.Core.Database.Embedded;

/// <summary>
/// One folder a major version: <c>data</c> is the cluster, <c>server.log</c> what the server says,
/// <c>owner.lock</c> and <c>owner.json</c> who uses it.
/// </summary>
internal sealed partial class DatabaseFolder
{
    private const string SharedState = "/var/lib/cogo";
    private const int MostPort = 65535;

    /// <summary>In bytes: the kernel's limit on macOS; Linux takes three more.</summary>
    private const int LongestSocket = 103;

    internal DatabaseFolder(string path) => Path = path;

    public string Path { get; }

    public string Data => System.IO.Path.Combine(Path, "data");

    public string Log => System.IO.Path.Combine(Path, "server.log");

    /// <summary>Written before the cluster is moved into place, so that the two belong together.</summary>
    public string Password => System.IO.Path.Combine(Data, "cogo.password");

    /// <summary>
    /// Where the server also listens: in the data directory, which nobody but its user and root may enter. Empty where
    /// a connection string or the system has no way to name it.
    /// </summary>
    public string SocketDirectory => OperatingSystem.IsWindows() || Data.AsSpan().ContainsAny(",:\"\n") || Encoding.UTF8.GetByteCount(Socket(MostPort)) > LongestSocket ? "" : Data;

    /// <summary>As Postgres names it.</summary>
    public string Socket(int port) => System.IO.Path.Combine(Data, $".s.PGSQL.{port}");

    public bool HasData => File.Exists(System.IO.Path.Combine(Data, "PG_VERSION"));

    /// <summary>The root of all versions: the wanted one, or one that the server's user can reach.</summary>
    public static async Task<string> RootAsync(EmbeddedPostgresOptions options, ServerUser user, ILogger logger, CancellationToken cancellationToken)
    {
        var wanted = System.IO.Path.GetFullPath(options.DataDirectory);
        user.CreateDirectory(wanted);
        if (await user.CanReachAsync(wanted, cancellationToken))
        {
            return wanted;
        }

        var used = Elsewhere(wanted);
        user.CreateDirectory(used);
        LogElsewhere(logger, used, wanted);
        return used;
    }

    /// <summary>Where the root of all versions may be, the wanted place first.</summary>
    public static IReadOnlyList<string> PossibleRoots(EmbeddedPostgresOptions options)
    {
        var wanted = System.IO.Path.GetFullPath(options.DataDirectory);
        return [wanted, Elsewhere(wanted)];
    }

    public static IReadOnlyList<int> MajorsWithData(string root) =>
    [
        .. Directory.EnumerateDirectories(root)
            .Where(directory => new DatabaseFolder(directory).HasData)
            .Select(directory => int.TryParse(System.IO.Path.GetFileName(directory), out var major) ? major : 0)
            .Where(major => major > 0),
    ];

    public static DatabaseFolder Open(string root, int major, ServerUser user)
    {
        var folder = new DatabaseFolder(System.IO.Path.Combine(root, major.ToString()));
        user.CreateDirectory(folder.Path);
        return folder;
    }

    /// <exception cref="EmbeddedPostgresException">The data was written by another major version.</exception>
    public void CheckVersion(PostgresInstallation installation)
    {
        var found = File.ReadAllText(System.IO.Path.Combine(Data, "PG_VERSION")).Trim();
        if (!string.Equals(found, installation.Major.ToString(), StringComparison.Ordinal))
        {
            throw new EmbeddedPostgresException(
                $"'{Data}' holds data of Postgres {found}, which {installation.Version} cannot read. Set COGO_POSTGRES={found} to go on with it, or begin anew with --fresh.");
        }
    }

    private static string Elsewhere(string wanted) =>
        System.IO.Path.Combine(SharedState, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(wanted)))[..16]);

    [LoggerMessage(EventId = 1111, Level = LogLevel.Warning, Message = "The database is kept in {Used}: the unprivileged user that runs Postgres cannot reach {Wanted}")]
    private static partial void LogElsewhere(ILogger logger, string used, string wanted);
}
