using System.Diagnostics;
using System.Text;

namespace Cogo.Benchmarks;

/// <summary>A program that is waited for: npm, node, pgbench.</summary>
internal static class ToolProcess
{
    /// <summary>Runs it to its end, killing it when cancelled.</summary>
    /// <param name="progress">Gets each line of standard error as it comes; null: kept for the error message only.</param>
    /// <returns>Standard output.</returns>
    /// <exception cref="InvalidOperationException">It failed: its last words.</exception>
    public static async Task<string> RunAsync(
        string file, IEnumerable<string> arguments, string? folder, IReadOnlyDictionary<string, string>? environment,
        Action<string>? progress, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            WorkingDirectory = folder ?? "",
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal))
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException($"'{file}' did not start.");
        process.StandardInput.Close();
        var errors = new StringBuilder();
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null)
            {
                lock (errors)
                {
                    errors.AppendLine(line.Data);
                }

                progress?.Invoke(line.Data);
            }
        };
        process.BeginErrorReadLine();
        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0
                ? output
                : throw new InvalidOperationException($"'{Path.GetFileName(file)} {string.Join(' ', arguments.Take(3))}' ended with {process.ExitCode}: {errors}{output}");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync(CancellationToken.None);
            }
        }
    }
}
