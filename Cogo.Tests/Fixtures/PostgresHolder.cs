using System.Diagnostics;

namespace Cogo.Tests.Fixtures;

/// <summary>Another process that runs an embedded Postgres, to be killed by a test.</summary>
internal sealed class PostgresHolder : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    private readonly Process _process;

    private PostgresHolder(Process process, string firstLine) => (_process, FirstLine) = (process, firstLine);

    /// <summary><c>ready &lt;major&gt; &lt;folder&gt;</c> or <c>refused &lt;message&gt;</c>.</summary>
    public string FirstLine { get; }

    public int Pid => _process.Id;

    /// <param name="environment">Laid over ours; null removes a name.</param>
    public static async Task<PostgresHolder> StartAsync(IReadOnlyDictionary<string, string?> environment)
    {
        // The full path: a test may take PATH away.
        var dotnet = Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");
        var info = new ProcessStartInfo(dotnet, ["exec", Path.Combine(AppContext.BaseDirectory, "Cogo.Tests.dll"), TestProgram.HoldPostgres])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        foreach (var (name, value) in environment)
        {
            info.Environment[name] = value;
        }

        var process = Process.Start(info)!;
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            return new PostgresHolder(process, await process.StandardOutput.ReadLineAsync(deadline.Token) ?? "");
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }

    /// <summary>SIGKILL, to it alone.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.StandardInput.Close();
            using var deadline = new CancellationTokenSource(Deadline);
            await _process.WaitForExitAsync(deadline.Token);
        }

        _process.Dispose();
    }
}
