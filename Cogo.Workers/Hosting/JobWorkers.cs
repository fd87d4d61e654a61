using Cogo.Core.Jobs;
using Npgsql;

namespace Cogo.Workers.Hosting;

/// <summary>
/// Runs jobs as long as the host does. Where the database does not answer yet, or has no schema yet, it tries again
/// until it does; meanwhile the health check says why. After <c>MAX_JOBS</c> it ends the host.
/// </summary>
public sealed partial class JobWorkers(JobWorker worker, JobOptions options, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<JobWorkers> logger)
    : BackgroundService
{
    /// <summary>Why no jobs are read; null when they are.</summary>
    public string? Problem { get; private set; } = "The job worker has not been started.";

    /// <summary>Hands back what does not end in time; another worker, or the next start, takes it up.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        Problem = "The job worker has been stopped.";
        await worker.DisposeAsync();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            if (!await TryStartAsync(stoppingToken))
            {
                await DatabaseStart.RetryAsync(TryStartAsync, time, stoppingToken);
            }

            await worker.Completion.WaitAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            return;
        }

        LogEnough(options.MaxJobs);
        lifetime.StopApplication();
    }

    private async Task<bool> TryStartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await worker.StartAsync(cancellationToken);
            Problem = null;
            foreach (var queue in options.Queues)
            {
                LogReading(queue, options.Concurrency);
            }

            return true;
        }
        catch (NpgsqlException e)
        {
            Problem = DatabaseStart.Problem(e);
            LogNotReady(Problem);
            return false;
        }
    }

    [LoggerMessage(EventId = 4010, Level = LogLevel.Information, Message = "Running jobs of {Queue}, {Concurrency} at once")]
    private partial void LogReading(string queue, int concurrency);

    [LoggerMessage(EventId = 4011, Level = LogLevel.Warning, Message = "Not running jobs yet; trying again. {Problem}")]
    private partial void LogNotReady(string problem);

    [LoggerMessage(EventId = 4012, Level = LogLevel.Information, Message = "Ending after {Jobs} jobs, as MAX_JOBS says")]
    private partial void LogEnough(int? jobs);
}
