namespace Cogo.Benchmarks.Contestants;

/// <summary>
/// A contestant's worker processes beside its own. They stay for all rounds, as workers run for days: new ones would be
/// compiling first.
/// </summary>
/// <inheritdoc cref="CogoWorkerProcess.StartAsync" path="/param" />
internal sealed class CogoWorkerProcesses(string kind, string connectionString) : IAsyncDisposable
{
    private readonly List<CogoWorkerProcess> _processes = [];

    /// <summary>Starts those that are missing.</summary>
    public async Task StartAsync(int processes, CancellationToken cancellationToken)
    {
        while (_processes.Count < processes)
        {
            _processes.Add(await CogoWorkerProcess.StartAsync(kind, connectionString, cancellationToken));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }
    }
}
