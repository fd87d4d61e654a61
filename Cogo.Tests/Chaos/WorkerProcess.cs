using System.Diagnostics;
using Cogo.Core.Processes;

namespace Cogo.Tests.Chaos;

/// <summary>A <see cref="ChaosWorker"/> that can be killed, stopped and continued.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private const int Continue = 18;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

    private readonly Process _process;

    private WorkerProcess(Process process) => _process = process;

    public static async Task<WorkerProcess> StartAsync(string database, string? listen = null, TimeSpan clock = default, bool knowsRare = false)
    {
        var info = new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "Cogo.Tests.dll"), ChaosWorker.Program])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        info.Environment[ChaosWorker.Database] = database;
        info.Environment[ChaosWorker.ClockMs] = clock.TotalMilliseconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        info.Environment[ChaosWorker.Listen] = listen;
        info.Environment[ChaosWorker.Rare] = knowsRare ? "1" : null;
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
    public async Task StopForAsync(TimeSpan duration)
    {
        Signals.Send(_process.Id, Signals.Stop);
        try
        {
            await Task.Delay(duration);
        }
        finally
        {
            Signals.Send(_process.Id, Continue);
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
