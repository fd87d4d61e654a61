using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Cogo.Tests.Fixtures;

namespace Cogo.Tests.EndToEnd;

/// <summary><c>cogo dev</c> as a process of its own, in a folder of its own, with its embedded Postgres.</summary>
internal sealed partial class CogoProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _said;

    private CogoProcess(Process process, StringBuilder said, Uri address) => (_process, _said, Address) = (process, said, address);

    public Uri Address { get; }

    /// <param name="environment">Laid over ours.</param>
    public static async Task<CogoProcess> StartAsync(string folder, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "cogo.dll"), "dev", "--port", "0"])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment.Remove("ConnectionStrings__cogo");
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        var said = new StringBuilder();
        process.OutputDataReceived += (_, line) => Add(said, line.Data);
        process.ErrorDataReceived += (_, line) => Add(said, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            var address = await Eventually.BecomesAsync(
                () => Task.FromResult(process.HasExited ? throw new InvalidOperationException($"cogo dev ended:\n{said}") : Status().Match(Text(said)).Groups["address"].Value),
                seen => seen.Length > 0,
                "the banner of cogo dev",
                seconds: 60);
            return new CogoProcess(process, said, new Uri(address));
        }
        catch
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
            throw;
        }
    }

    /// <summary>SIGKILL, to it alone: what it started has to see for itself.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Ctrl-C, as a terminal sends it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            using var interrupt = Process.Start("kill", ["-INT", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)])!;
            await interrupt.WaitForExitAsync();
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            try
            {
                await _process.WaitForExitAsync(deadline.Token);
            }
            catch (OperationCanceledException e)
            {
                _process.Kill();
                throw new TimeoutException($"cogo dev did not stop within 30 s of SIGINT:\n{Text(_said)}", e);
            }
        }

        _process.Dispose();
    }

    private static void Add(StringBuilder said, string? line)
    {
        lock (said)
        {
            said.AppendLine(line);
        }
    }

    private static string Text(StringBuilder said)
    {
        lock (said)
        {
            return said.ToString();
        }
    }

    [GeneratedRegex(@"API\s+(?<address>http://\S+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Status();
}
