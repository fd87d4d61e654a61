using System.Diagnostics;

namespace Cogo.Core.Database.Embedded;

/// <summary>
/// Windows has neither the shell nor the pipe trick: a killed Cogo leaves the server running, and the next start
/// takes it over. <c>pg_ctl</c> drops an administrator's rights by itself; without a console of ours, Ctrl-C does
/// not reach the server.
/// </summary>
internal sealed class WindowsServer : IServer
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly PostgresInstallation _installation;
    private readonly DatabaseFolder _folder;
    private readonly TimeSpan _stopTimeout;
    private readonly CancellationTokenSource _stopping = new();

    private WindowsServer(PostgresInstallation installation, DatabaseFolder folder, TimeSpan stopTimeout)
    {
        (_installation, _folder, _stopTimeout) = (installation, folder, stopTimeout);
        Exited = WatchAsync();
    }

    public Task Exited { get; }

    /// <summary>Null when the server did not start: its log says why.</summary>
    public static async Task<IServer?> StartAsync(
        DatabaseFolder folder, PostgresInstallation installation, OwnerLock owner, int port, EmbeddedPostgresOptions options, CancellationToken cancellationToken)
    {
        owner.Announce(new Owner(Environment.ProcessId, port));
        string[] arguments = ["start", "-D", "data", "-l", "server.log", "-w", "-t", ServerProcess.Seconds(options.StartTimeout), "-o", $"-p {port}"];
        var info = Command.StartInfo([installation.Tool("pg_ctl"), .. arguments], folder.Path, inheritEnvironment: false);
        // The server would inherit the pipes, and we would wait for their end until its own.
        info.RedirectStandardInput = info.RedirectStandardOutput = info.RedirectStandardError = false;
        using var process = Process.Start(info)!;
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? new WindowsServer(installation, folder, options.StopTimeout) : null;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var mode in new[] { "fast", "immediate" })
        {
            string[] stop = [_installation.Tool("pg_ctl"), "stop", "-D", "data", "-m", mode, "-w", "-t", ServerProcess.Seconds(_stopTimeout)];
            if ((await Command.RunAsync(stop, _folder.Path, _stopTimeout + Grace, CancellationToken.None)).Succeeded)
            {
                break;
            }
        }

        _stopping.Dispose();
    }

    private async Task WatchAsync()
    {
        if (KnownProcess.ReadPostmaster(_folder.Data) is { } known && known.IsAlive("postgres", _folder.Data))
        {
            using var server = Process.GetProcessById(known.Pid);
            await server.WaitForExitAsync(_stopping.Token);
        }
    }
}
