using System.Globalization;
using System.Text.RegularExpressions;

namespace Cogo.Benchmarks.Contestants;

/// <summary>
/// The ceiling: what the server does when a client costs nearly nothing. <c>pgbench</c> runs the library's
/// statements by hand, 500 rows each, on rows of the same size, from as many clients as there are publishers and workers.
/// </summary>
/// <param name="scripts">Folder of its scripts beside the program: <see cref="Messages"/> or <see cref="Jobs"/>.</param>
internal sealed partial class PgBench(string program, string connectionUri, string scripts) : IContestant
{
    public const string ContestantName = "ceiling";

    /// <summary>Messages of the bus.</summary>
    public const string Messages = "bus";

    /// <summary>Jobs: the message that a job is, on a queue's route.</summary>
    public const string Jobs = "jobs";

    public string Name => ContestantName;

    /// <summary>The server's own, else any that is installed; null when there is none.</summary>
    public static async Task<string?> FindAsync(string binDirectory, CancellationToken cancellationToken)
    {
        var name = OperatingSystem.IsWindows() ? "pgbench.exe" : "pgbench";
        var beside = Path.Combine(binDirectory, name);
        if (File.Exists(beside))
        {
            return beside;
        }

        try
        {
            var installed = Path.Combine((await ToolProcess.RunAsync("pg_config", ["--bindir"], null, null, null, cancellationToken)).Trim(), name);
            return File.Exists(installed) ? installed : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    public async Task<IReadOnlyDictionary<string, double>> RunAsync(Workload workload, CancellationToken cancellationToken)
    {
        var script = workload.Kind switch
        {
            WorkloadKind.Publish => "publish.sql",
            WorkloadKind.EndToEnd => "end_to_end.sql",
            _ => throw new NotSupportedException($"There is no ceiling for {workload.Kind}."),
        };
        await RunScriptAsync(script, workload, 2, cancellationToken);
        var transactions = Math.Max(1, workload.Messages / workload.Batch / Clients(workload));
        var perSecond = await RunScriptAsync(script, workload, transactions, cancellationToken);
        return new Dictionary<string, double>(StringComparer.Ordinal) { ["per_second"] = perSecond * workload.Batch };
    }

    private static int Clients(Workload workload) => workload.Publishers + workload.Workers;

    /// <summary>Transactions a second; one moves a whole batch.</summary>
    private async Task<double> RunScriptAsync(string script, Workload workload, int transactions, CancellationToken cancellationToken)
    {
        string[] arguments =
        [
            "--no-vacuum", "--protocol=prepared", $"--client={Clients(workload)}", "--jobs=1", $"--transactions={transactions}",
            $"--define=batch={workload.Batch}", $"--define=bytes={Math.Max(1, workload.PayloadBytes - 12)}",
            $"--file={Path.Combine(AppContext.BaseDirectory, "pgbench", scripts, script)}", connectionUri,
        ];
        // As the publisher does: no NOTIFY from the trigger.
        var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PGOPTIONS"] = "-c cogo.bell=off" };
        var output = await ToolProcess.RunAsync(program, arguments, null, environment, null, cancellationToken);
        var rate = RatePattern().Match(output);
        var done = DonePattern().Match(output);
        if (!rate.Success || !done.Success || done.Groups["done"].Value != done.Groups["asked"].Value)
        {
            throw new InvalidOperationException($"pgbench did not do all of its work: {output}");
        }

        return double.Parse(rate.Groups["tps"].ValueSpan, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"tps = (?<tps>[0-9.]+) \(without", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RatePattern();

    [GeneratedRegex(@"actually processed: (?<done>\d+)/(?<asked>\d+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex DonePattern();
}
