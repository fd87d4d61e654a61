using System.Diagnostics;
using System.Text;
using Cogo.Tests.Fixtures;

namespace Cogo.Tests.Deploy;

/// <summary>A program run to its end, with what it printed.</summary>
internal static class Shell
{
    /// <exception cref="InvalidOperationException">It ended with another code than 0; the message ends with what it said.</exception>
    public static async Task<string> RunAsync(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? folder = null, int seconds = 300)
    {
        var (code, output, error) = await TryAsync(program, arguments, environment, folder, seconds);
        return code == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {code}: {Tail(output)} {Tail(error)}");
    }

    public static async Task<(int Code, string Output, string Error)> TryAsync(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? folder = null, int seconds = 300)
    {
        var output = new StringBuilder();
        var error = new StringBuilder();
        using var process = Start(program, arguments, environment, folder, line => output.AppendLine(line), line => error.AppendLine(line));
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within {seconds} s: {Tail(output.ToString())} {Tail(error.ToString())}", e);
        }

        return (process.ExitCode, output.ToString(), error.ToString());
    }

    private static string Tail(string text) => text[Math.Max(0, text.Length - 3000)..];

    public static Process Start(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment, string? folder, Action<string> output, Action<string> error)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = folder ?? Repository.Root,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, received) => Take(received.Data, output);
        process.ErrorDataReceived += (_, received) => Take(received.Data, error);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;

        static void Take(string? text, Action<string> taker)
        {
            if (text is not null)
            {
                taker(text);
            }
        }
    }

    public static bool Has(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin").Any(folder => File.Exists(Path.Combine(folder, program)));
}
