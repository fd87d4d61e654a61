using System.Diagnostics;
using Cogo.Core.Processes;
using Cogo.Tests.Fixtures;

namespace Cogo.Tests.Chaos;

/// <summary>A <see cref="ChaosWorker"/>, or a <see cref="SqlChaosWorker"/>, that can be killed, stopped and continued.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private const int Continue = 18;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

    private readonly Process _process;

    private WorkerProcess(Process process) => _process = process;

    public static Task<WorkerProcess> StartAsync(string database, string? listen = null, TimeSpan clock = default, bool knowsRare = false) => StartAsync(
        ChaosWorker.Program,
        new Dictionary<string, string?>
        {
            [ChaosWorker.Database] = database,
            [ChaosWorker.ClockMs] = clock.TotalMilliseconds.ToString(System.Globalization.CultureInfo.InvariantCulture),
            [ChaosWorker.Listen] = listen,
            [ChaosWorker.Rare] = knowsRare ? "1" : null,
        });

    public static Task<WorkerProcess> StartSqlAsync(string database) =>
        StartAsync(SqlChaosWorker.Program, new Dictionary<string, string?> { [SqlChaosWorker.Database] = database });

    private static async Task<WorkerProcess> StartAsync(string program, Dictionary<string, string?> environment)
    {
        var info = new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "Cogo.Tests.dll"), program])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var (name, value) in environment)
        {
            info.Environment[name] = value;
        }

        var worker = new WorkerProcess(Process.Start(info)!);
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            if (await worker._process.StandardOutput.ReadLineAsync(deadline.Token) != "ready")
            {
                throw new InvalidOperationException($"A worker did not start: {await worker._process.StandardError.ReadToEndAsync(deadline.Token)}");
            }

            return worker;
        }
        catch
        {
            await worker.KillAsync();
            throw;
        }
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    /// <summary>Waits until it ends by itself.</summary>
    public async Task EndedAsync()
    {
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
            _process.Dispose();
        }
        catch (OperationCanceledException e)
        {
            await KillAsync();
            throw new TimeoutException($"A worker did not end within {Deadline}.", e);
        }
    }

    /// <summary>SIGSTOP, and SIGCONT after so long.</summary>
    public Task StopForAsync(TimeSpan duration) => StopForAsync(duration, () => Task.FromResult(true));

    /// <summary>SIGSTOP at a moment that fits, which is found by trying, and SIGCONT after so long.</summary>
    public async Task StopForAsync(TimeSpan duration, Func<Task<bool>> fits)
    {
        await Eventually.BecomesTrueAsync(TryAsync, "a moment that fits to stop a worker");

        async Task<bool> TryAsync()
        {
            Signals.Send(_process.Id, Signals.Stop);
            try
            {
                if (!await fits())
                {
                    return false;
                }

                await Task.Delay(duration);
                return true;
            }
            finally
            {
                Signals.Send(_process.Id, Continue);
            }
        }
    }

    /// <summary>A graceful stop; an error that the worker ends with is thrown.</summary>
    public async ValueTask DisposeAsync()
    {
        using var deadline = new CancellationTokenSource(Deadline);
        _process.StandardInput.Close();
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException e)
        {
            await KillAsync();
            throw new TimeoutException($"A worker did not stop within {Deadline}.", e);
        }

        var (code, words) = (_process.ExitCode, await _process.StandardError.ReadToEndAsync(deadline.Token));
        _process.Dispose();
        if (code != 0)
        {
            throw new InvalidOperationException($"A worker ended with {code}: {words}");
        }
    }
}
