using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Cogo.Core.Database.Embedded;

/// <summary>Ends what a killed Cogo left on the data. The lock was free, so whatever runs there has no owner any more.</summary>
internal sealed partial class Takeover(DatabaseFolder folder, PostgresInstallation installation, ServerUser user, TimeSpan stopTimeout, ILogger logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <exception cref="EmbeddedPostgresException">It does not end.</exception>
    public async Task RunAsync(Owner? last, CancellationToken cancellationToken)
    {
        // A watchdog stops whatever server runs on the data, so no new one may start before it is gone.
        if (last?.Watchdog is { } watchdog && watchdog.IsAlive("sh", folder.Path))
        {
            LogWatchdog(logger, folder.Path);
            await WaitAsync(watchdog, cancellationToken);
        }

        if (KnownProcess.ReadPostmaster(folder.Data) is { } server && server.IsAlive("postgres", folder.Data))
        {
            LogOrphan(logger, server.Pid, folder.Path);
            await StopAsync(server, cancellationToken);
        }

        if (File.Exists(KnownProcess.PidFile(folder.Data)))
        {
            // Postgres would refuse to start if the number has gone to another process since.
            LogStale(logger);
            File.Delete(KnownProcess.PidFile(folder.Data));
        }

        // Its sockets have files with its number, too.
        foreach (var leftover in Directory.Exists(folder.Data) ? Directory.EnumerateFiles(folder.Data, ".s.PGSQL.*") : [])
        {
            File.Delete(leftover);
        }
    }

    private async Task WaitAsync(KnownProcess watchdog, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        while (watchdog.IsAlive("sh", folder.Path))
        {
            if (clock.Elapsed > stopTimeout + ServerProcess.Grace)
            {
                throw new EmbeddedPostgresException($"The watchdog (process {watchdog.Pid}) of a Cogo that was killed is still stopping Postgres on '{folder.Data}'. End it and the server, then start again.");
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }

    private async Task StopAsync(KnownProcess server, CancellationToken cancellationToken)
    {
        var seconds = ServerProcess.Seconds(stopTimeout);
        foreach (var mode in new[] { "fast", "immediate" })
        {
            await user.RunAsync([installation.Tool("pg_ctl"), "stop", "-D", "data", "-m", mode, "-w", "-t", seconds], folder.Path, stopTimeout * 2, cancellationToken);
            if (!server.IsAlive("postgres", folder.Data))
            {
                return;
            }
        }

        throw new EmbeddedPostgresException($"Postgres (process {server.Pid}) still runs on '{folder.Data}' from a Cogo that was killed, and does not stop. End that process, then start again.");
    }

    [LoggerMessage(EventId = 1131, Level = LogLevel.Information, Message = "The last Cogo on {Directory} was killed a moment ago: waiting until its Postgres has stopped")]
    private static partial void LogWatchdog(ILogger logger, string directory);

    [LoggerMessage(EventId = 1132, Level = LogLevel.Warning, Message = "Postgres (process {Pid}) still runs on {Directory} from a Cogo that was killed: stopping it")]
    private static partial void LogOrphan(ILogger logger, int pid, string directory);

    [LoggerMessage(EventId = 1133, Level = LogLevel.Information, Message = "The last server was not stopped in order; what was committed is recovered")]
    private static partial void LogStale(ILogger logger);
}
