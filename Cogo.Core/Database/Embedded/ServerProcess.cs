using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Cogo.Core.Database.Embedded;

/// <summary>
/// The running server, held by a shell whose standard input is a pipe of ours: when we die, by whatever signal,
/// the kernel closes the pipe and the shell stops the server. <c>pg_ctl</c> puts the server into a session of its
/// own, so that Ctrl-C in a terminal ends the workers first and the database after them; <c>setsid</c>, where there
/// is one, does the same for the shell, which so survives a kill of our whole process group.
/// </summary>
internal sealed partial class ServerProcess : IServer
{
    /// <summary>Begins when told so, once its number is on disk. $1 folder of pg_ctl, $2 seconds to start, $3 seconds to stop, $4 port.</summary>
    private const string Watchdog =
        """
        trap '' INT HUP TERM PIPE
        read -r _ || exit 0
        exec 2>&1
        stop() { "$1/pg_ctl" stop -D data -m fast -w -t "$3" || "$1/pg_ctl" stop -D data -m immediate -w -t 30; }
        if "$1/pg_ctl" start -D data -l server.log -w -t "$2" -o "-p $4"; then
          echo cogo:ready
          while read -r _; do :; done
          stop "$@" >/dev/null
        else
          stop "$@" >/dev/null
          exit 1
        fi
        """;

    internal static readonly TimeSpan Grace = TimeSpan.FromSeconds(40);

    private readonly Process _watchdog;
    private readonly TimeSpan _stopTimeout;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ILogger _logger;

    private ServerProcess(Process watchdog, TimeSpan stopTimeout, ILogger logger) =>
        (_watchdog, _stopTimeout, _logger) = (watchdog, stopTimeout, logger);

    public Task Exited { get; private set; } = Task.CompletedTask;

    /// <summary>Null when the server did not start: its log says why.</summary>
    public static async Task<IServer?> StartAsync(
        DatabaseFolder folder, PostgresInstallation installation, ServerUser user, OwnerLock owner, int port, EmbeddedPostgresOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        string[] ownSession = Command.Find("setsid") is { } setsid ? [setsid] : [];
        string[] script =
        [
            .. ownSession, "/bin/sh", "-c", Watchdog, "cogo-postgres", installation.BinDirectory,
            Seconds(options.StartTimeout), Seconds(options.StopTimeout), port.ToString(),
        ];
        var watchdog = new Process { StartInfo = Command.StartInfo(user.CommandLine(script), folder.Path, inheritEnvironment: false) };
        watchdog.StartInfo.RedirectStandardError = false;
        watchdog.Start();
        var server = new ServerProcess(watchdog, options.StopTimeout, logger);
        try
        {
            owner.Announce(new Owner(Environment.ProcessId, port, KnownProcess.Of(watchdog)));
            await watchdog.StandardInput.WriteLineAsync("go".AsMemory(), cancellationToken);
            await watchdog.StandardInput.FlushAsync(cancellationToken);
            string? line;
            do
            {
                line = await watchdog.StandardOutput.ReadLineAsync(cancellationToken);
            }
            while (line is not null and not "cogo:ready");

            if (line is null)
            {
                await server.DisposeAsync();
                return null;
            }

            server.Exited = server.WatchAsync(KnownProcess.ReadPostmaster(folder.Data)?.Pid, folder);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        try
        {
            _watchdog.StandardInput.Close();
        }
        catch (IOException)
        {
            // The watchdog is gone already: nothing reads the pipe, and the server was stopped by it.
        }

        using var deadline = new CancellationTokenSource(_stopTimeout + Grace);
        try
        {
            await _watchdog.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            LogStuck(_logger, _watchdog.Id, (_stopTimeout + Grace).TotalSeconds);
        }

        _watchdog.Dispose();
        _stopping.Dispose();
    }

    private async Task WatchAsync(int? pid, DatabaseFolder folder)
    {
        try
        {
            using var postmaster = Process.GetProcessById(pid ?? throw new ArgumentException("no pid file", nameof(pid)));
            await postmaster.WaitForExitAsync(_stopping.Token);
        }
        catch (ArgumentException)
        {
            // It ended between its "ready" and now.
        }

        LogEnded(_logger, pid ?? 0, folder.Log);
    }

    internal static string Seconds(TimeSpan time) => Math.Max(1, (int)Math.Ceiling(time.TotalSeconds)).ToString();

    [LoggerMessage(EventId = 1121, Level = LogLevel.Critical, Message = "Postgres (process {Pid}) ended by itself; {Log} says why. Restart Cogo: it recovers what was committed")]
    private static partial void LogEnded(ILogger logger, int pid, string log);

    [LoggerMessage(EventId = 1122, Level = LogLevel.Error, Message = "Postgres did not stop within {Seconds} s (watchdog process {Pid}); the next start takes it over")]
    private static partial void LogStuck(ILogger logger, int pid, double seconds);
}
