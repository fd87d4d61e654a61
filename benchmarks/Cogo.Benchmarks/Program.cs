using System.Runtime.InteropServices;
using Cogo.Benchmarks;
using Cogo.Benchmarks.Cases;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;
using Microsoft.Extensions.Logging.Abstractions;

using var cancel = new CancellationTokenSource();
// The server, its folder and the peers' processes are cleared away first.
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

if (args is [CogoWorkerProcess.Verb, var kind])
{
    return await CogoWorkerProcess.RunAsync(kind, cancel.Token);
}

BenchmarkOptions options;
try
{
    options = BenchmarkOptions.Parse(args);
}
catch (FormatException e)
{
    await Console.Error.WriteLineAsync($"{e.Message}\n\n{BenchmarkOptions.Usage}");
    return 2;
}

await using var server = await BenchmarkServer.StartAsync(NullLogger.Instance, cancel.Token);
var machine = await Machine.LookAsync(server, cancel.Token);
machine.Write();
var results = new List<CaseResult>();
ResultTable.Heading();
try
{
    await foreach (var result in Suite.RunAsync(server, options, cancel.Token))
    {
        results.Add(result);
        ResultTable.Write(result);
    }
}
catch (OperationCanceledException) when (cancel.IsCancellationRequested)
{
    await Console.Error.WriteLineAsync("Stopped; the results so far stand.");
}
finally
{
    // Also of a run that failed after an hour.
    if (options.JsonPath is not null)
    {
        await ResultFile.WriteAsync(options.JsonPath, machine, options, results, CancellationToken.None);
    }
}

if (results.Count == 0 && !cancel.IsCancellationRequested)
{
    await Console.Error.WriteLineAsync(
        $"Nothing was measured: '{options.Case}' has no case that --case, --only and --quick leave over. Run it without them to see the names.");
    return 1;
}

return cancel.IsCancellationRequested ? 130 : 0;

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    cancel.Cancel();
}
