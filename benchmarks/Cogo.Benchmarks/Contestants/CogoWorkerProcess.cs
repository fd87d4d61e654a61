using System.Diagnostics;
using Npgsql;

namespace Cogo.Benchmarks.Contestants;

/// <summary>This program again, as a worker that handles with <see cref="CogoSettings.Nothing"/> until its input ends.</summary>
internal sealed class CogoWorkerProcess : IAsyncDisposable
{
    /// <summary>First argument of such a process.</summary>
    public const string Verb = "worker";

    private const string ConnectionVariable = "COGO_BENCHMARK_DATABASE";
    private const string Ready = "ready";

    private readonly Process _process;

    private CogoWorkerProcess(Process process) => _process = process;

    /// <summary>Processor time spent so far.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Returns when it has subscribed.</summary>
    public static async Task<CogoWorkerProcess> StartAsync(string connectionString, CancellationToken cancellationToken)
    {
        var program = Environment.ProcessPath!;
        string[] arguments = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [typeof(CogoWorkerProcess).Assembly.Location, Verb] : [Verb];
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment[ConnectionVariable] = connectionString;
        var process = Process.Start(start) ?? throw new InvalidOperationException($"'{program} {Verb}' did not start.");
        var worker = new CogoWorkerProcess(process);
        if (await process.StandardOutput.ReadLineAsync(cancellationToken) != Ready)
        {
            await worker.DisposeAsync();
            throw new InvalidOperationException("The worker process ended before it had subscribed; its words are above.");
        }

        return worker;
    }

    /// <summary>What the process itself runs.</summary>
    public static async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var connection = Environment.GetEnvironmentVariable(ConnectionVariable)
            ?? throw new InvalidOperationException($"{ConnectionVariable} is not set: this verb is for the benchmark's own use.");
        await using var database = NpgsqlDataSource.Create(connection);
        await using var bus = CogoSettings.Bus(database);
        await bus.SubscribeAsync(CogoSettings.Route, new CogoSettings.Nothing(), CogoSettings.Subscription, cancellationToken);
        await Console.Out.WriteLineAsync(Ready);
        await Console.In.ReadToEndAsync(cancellationToken);
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
