using System.Diagnostics;
using Npgsql;

namespace Cogo.Benchmarks.Contestants;

/// <summary>This program again, as a worker whose handlers do nothing, until its input ends.</summary>
internal sealed class CogoWorkerProcess : IAsyncDisposable
{
    /// <summary>First argument of such a process.</summary>
    public const string Verb = "worker";

    /// <summary>Second argument: a worker of the bus.</summary>
    public const string Messages = "messages";

    /// <summary>Second argument: a worker of the job queue.</summary>
    public const string Jobs = "jobs";

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
    /// <param name="kind"><see cref="Messages"/> or <see cref="Jobs"/>.</param>
    public static async Task<CogoWorkerProcess> StartAsync(string kind, string connectionString, CancellationToken cancellationToken)
    {
        var program = Environment.ProcessPath!;
        string[] arguments = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [typeof(CogoWorkerProcess).Assembly.Location, Verb, kind] : [Verb, kind];
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
    /// <inheritdoc cref="StartAsync" path="/param" />
    public static async Task<int> RunAsync(string kind, CancellationToken cancellationToken)
    {
        var connection = Environment.GetEnvironmentVariable(ConnectionVariable)
            ?? throw new InvalidOperationException($"{ConnectionVariable} is not set: this verb is for the benchmark's own use.");
        await using var database = NpgsqlDataSource.Create(connection);
        await using var bus = CogoSettings.Bus(database);
        await using var jobs = CogoSettings.JobWorker(database, bus, new CogoSettings.NoWork());
        switch (kind)
        {
            case Messages:
                await bus.SubscribeAsync(CogoSettings.Route, new CogoSettings.Nothing(), CogoSettings.Subscription, cancellationToken);
                break;
            case Jobs:
                await jobs.StartAsync(cancellationToken);
                break;
            default:
                throw new ArgumentException($"'{kind}' is no kind of worker: {Messages} or {Jobs}.", nameof(kind));
        }

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
