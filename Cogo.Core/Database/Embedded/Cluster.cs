using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace Cogo.Core.Database.Embedded;

/// <summary>Makes the data directory: whole, or not at all.</summary>
internal sealed partial class Cluster(DatabaseFolder folder, PostgresInstallation installation, ServerUser user, ILogger logger)
{
    public const string Superuser = "cogo";

    private const string Settings = "cogo.conf";
    private static readonly TimeSpan InitTimeout = TimeSpan.FromMinutes(2);

    /// <summary>Removes the data, and what an interrupted beginning left.</summary>
    public void Clear(bool includingData)
    {
        if (includingData && Directory.Exists(folder.Data))
        {
            // Renamed first: half a deletion must not look like a database.
            Directory.Move(folder.Data, Path.Combine(folder.Path, $"old-{Guid.NewGuid():N}"));
        }

        foreach (var leftover in Directory.EnumerateDirectories(folder.Path, "init-*").Concat(Directory.EnumerateDirectories(folder.Path, "old-*")))
        {
            try
            {
                Directory.Delete(leftover, recursive: true);
            }
            catch (IOException e)
            {
                // An initdb that outlived its killed parent may still write there; the next start removes it.
                LogLeftover(logger, leftover, e.Message);
            }
        }
    }

    /// <exception cref="EmbeddedPostgresException">initdb failed, with its words.</exception>
    public async Task CreateAsync(CancellationToken cancellationToken)
    {
        var workspace = Path.Combine(folder.Path, $"init-{Guid.NewGuid():N}");
        Directory.CreateDirectory(workspace);
        try
        {
            var password = Path.Combine(workspace, "password");
            await WritePrivateAsync(password, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24)), cancellationToken);
            await user.GiveAsync(workspace, cancellationToken);

            var data = Path.Combine(workspace, "data");
            var result = await user.RunAsync(
                [installation.Tool("initdb"), "-D", data, "-U", Superuser, "--pwfile", password, "--auth=scram-sha-256", "--encoding=UTF8", .. Locale(), "--data-checksums", "--no-instructions"],
                workspace,
                InitTimeout,
                cancellationToken);
            if (!result.Succeeded)
            {
                throw new EmbeddedPostgresException(ServerLog.Explain($"initdb of {installation.Version} failed in '{folder.Path}'", result.Tail));
            }

            File.Move(password, Path.Combine(data, Path.GetFileName(folder.Password)));
            await File.AppendAllTextAsync(Path.Combine(data, "postgresql.conf"), $"\n# Cogo's own; ALTER SYSTEM goes before it.\ninclude_if_exists = '{Settings}'\n", cancellationToken);
            Directory.Move(data, folder.Data);
        }
        finally
        {
            Directory.Delete(workspace, recursive: true);
        }
    }

    /// <summary>Written at every start, so that a newer Cogo's settings reach an older database.</summary>
    public async Task WriteSettingsAsync(CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder.Data, Settings);
        await WritePrivateAsync(
            path,
            $"""
            # Written by Cogo at every start: what you change here is lost. Use ALTER SYSTEM instead.
            listen_addresses = '127.0.0.1'
            unix_socket_directories = '{Sockets()}'
            max_connections = 200
            shared_buffers = '256MB'
            fsync = on
            synchronous_commit = on
            wal_level = replica
            max_wal_size = '2GB'
            checkpoint_timeout = '15min'
            # Queues live by short dead rows: small tables are vacuumed early and often.
            autovacuum_naptime = '10s'
            autovacuum_vacuum_scale_factor = 0.05
            autovacuum_analyze_scale_factor = 0.05
            jit = off
            timezone = 'UTC'
            log_timezone = 'UTC'
            log_line_prefix = '%m [%p] %a '
            log_checkpoints = off
            """,
            cancellationToken);
        await user.GiveAsync(path, cancellationToken);
    }

    /// <exception cref="EmbeddedPostgresException">The file is gone or not ours to read.</exception>
    public async Task<string> ReadPasswordAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await File.ReadAllTextAsync(folder.Password, cancellationToken)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EmbeddedPostgresException(
                $"The password of the database in '{folder.Data}' cannot be read: {e.Message} Put '{folder.Password}' back or make it readable to you, or begin anew with --fresh.", e);
        }
    }

    /// <summary>A list, of which a name with spaces needs quotes.</summary>
    private string Sockets() => folder.SocketDirectory is { Length: > 0 } directory
        ? $"\"{directory.Replace("'", "''", StringComparison.Ordinal)}\""
        : "";

    /// <summary>The same order and case rules on every system and version; the builtin provider came with 17.</summary>
    private string[] Locale() => installation.Major >= 17
        ? ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        : ["--locale=C"];

    private static async Task WritePrivateAsync(string path, string content, CancellationToken cancellationToken)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileModes.Private;
        }

        await using var writer = new StreamWriter(path, options);
        await writer.WriteLineAsync(content.AsMemory(), cancellationToken);
    }

    [LoggerMessage(EventId = 1112, Level = LogLevel.Debug, Message = "{Directory} is left for the next start: {Reason}")]
    private static partial void LogLeftover(ILogger logger, string directory, string reason);
}
