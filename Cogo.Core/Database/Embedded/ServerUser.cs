namespace Cogo.Core.Database.Embedded;

/// <summary>
/// Who runs the server. Postgres refuses root: there it runs as uid and gid 65534 (nobody), which owns the data
/// and nothing else; everywhere else it runs as we do.
/// </summary>
internal sealed class ServerUser
{
    private const string Owner = "65534:65534";
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly string[] _prefix;

    private ServerUser(string[] prefix) => _prefix = prefix;

    public bool IsAnother => _prefix.Length > 0;

    /// <exception cref="EmbeddedPostgresException">We are root and cannot become anyone else.</exception>
    public static ServerUser Choose()
    {
        if (OperatingSystem.IsWindows() || !Environment.IsPrivilegedProcess)
        {
            return new ServerUser([]);
        }

        var setpriv = Command.Find("setpriv") ?? throw new EmbeddedPostgresException(
            "Postgres does not run as root, and 'setpriv' (package util-linux), which would start it as an unprivileged user, is not on PATH. " +
            "Install util-linux, run Cogo as an ordinary user, or set ConnectionStrings__cogo to a server of your own.");
        return new ServerUser([setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"]);
    }

    public IReadOnlyList<string> CommandLine(params string[] command) => [.. _prefix, .. command];

    public Task<CommandResult> RunAsync(string[] command, string workingDirectory, TimeSpan timeout, CancellationToken cancellationToken) =>
        Command.RunAsync(CommandLine(command), workingDirectory, timeout, cancellationToken);

    /// <summary>Whether the server may enter the folder: asked of the kernel, not guessed from modes.</summary>
    public async Task<bool> CanReachAsync(string directory, CancellationToken cancellationToken) =>
        !IsAnother || (await RunAsync(["/bin/sh", "-c", "cd \"$1\"", "sh", directory], "/", Timeout, cancellationToken)).Succeeded;

    /// <summary>Makes a folder, and those above it that are missing, such that the server may pass through.</summary>
    public void CreateDirectory(string path)
    {
        var missing = new Stack<string>();
        for (var at = path; at is not null && !Directory.Exists(at); at = Path.GetDirectoryName(at))
        {
            missing.Push(at);
        }

        foreach (var directory in missing)
        {
            Directory.CreateDirectory(directory);
            if (IsAnother && !OperatingSystem.IsWindows())
            {
                // Whatever the umask says.
                File.SetUnixFileMode(directory, UnixFileModes.Traversable);
            }
        }
    }

    /// <summary>Hands files over to the server.</summary>
    public async Task GiveAsync(string path, CancellationToken cancellationToken)
    {
        if (!IsAnother)
        {
            return;
        }

        var result = await Command.RunAsync(["chown", "-R", "-h", Owner, path], "/", Timeout, cancellationToken);
        if (!result.Succeeded)
        {
            throw new EmbeddedPostgresException($"'{path}' could not be handed to the unprivileged user that runs Postgres: {result.Tail}. Choose a folder on a local file system for the data, or run Cogo as an ordinary user.");
        }
    }
}

internal static class UnixFileModes
{
    public const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public const UnixFileMode PrivateDirectory = Private | UnixFileMode.UserExecute;

    public const UnixFileMode Traversable = PrivateDirectory
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
}
