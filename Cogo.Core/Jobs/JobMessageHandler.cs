using System.Collections.Concurrent;
using Cogo.Core.Artifacts;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Jobs;

/// <summary>
/// Runs a message of a queue as a job. A job whose concurrency key is in use stands aside without an attempt being counted;
/// the next claim that can run it lets it go. So do the first jobs of a type that nobody here knows; while any waits,
/// claims put aside the rest before they come here.
/// </summary>
internal sealed partial class JobMessageHandler(
    NpgsqlDataSource database, JobCatalog catalog, IArtifactStore? artifacts, CancellationWatch watch, AttemptLimit limit,
    JobEndings endings, TimeSpan cancelGrace, TimeProvider time, ILoggerFactory loggers) : IMessageHandler
{
    /// <summary>So many types are told of; past that, those who send invent them.</summary>
    private const int MostTypesTold = 100;

    private readonly ILogger _logger = loggers.CreateLogger<JobMessageHandler>();
    private readonly ConcurrentDictionary<string, bool> _told = new(StringComparer.Ordinal);

    public async Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        var job = JobEnvelope.Open(delivery.Payload);
        if (job is null)
        {
            return new Outcome.Fail("malformed_job", "The message is no job: it needs a \"type\" and a \"payload\". Insert into public.jobs instead of agent_messages.", Verdict.Invalid);
        }

        if (catalog.Find(job.Type) is not { } handler)
        {
            if (_told.Count < MostTypesTold && _told.TryAdd(job.Type, true))
            {
                LogUnknownType(delivery.MessageId, job.Type);
            }

            return JobEndings.StandAside(delivery, job, "type");
        }

        await limit.EnterAsync(cancellationToken);
        var ran = false;
        try
        {
            if (job.ConcurrencyKey is not null && !await endings.TakePermitAsync(delivery, job, cancellationToken))
            {
                return JobEndings.StandAside(delivery, job, "concurrency");
            }

            using var entry = watch.Add(delivery.MessageId, cancellationToken);
            var run = new JobRun(database, artifacts, delivery.Fence)
            {
                Id = delivery.MessageId,
                Type = job.Type,
                Queue = delivery.Route.Role,
                Payload = job.Payload,
                Attempt = delivery.Attempt,
                MaxAttempts = delivery.MaxAttempts,
                TraceId = delivery.TraceId,
                Tenant = delivery.Tenant,
                Logger = loggers.CreateLogger(handler.GetType()),
            };
            var outcome = await RunAsync(handler, run, entry, cancellationToken);
            ran = true;
            return endings.Of(delivery, job, outcome, entry.Reason);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            ran = true;
            LogThrew(e, delivery.MessageId, job.Type, delivery.Attempt);
            return endings.Of(delivery, job, new JobOutcome.Retry($"{e.GetType().Name}: {e.Message}"), null);
        }
        finally
        {
            limit.Leave(ran);
        }
    }

    /// <summary>The handler's outcome. One that ignores a wish to cancel is left to itself after a while.</summary>
    private async Task<JobOutcome> RunAsync(IJobHandler handler, JobRun run, CancellationWatch.Entry entry, CancellationToken stop)
    {
        var running = handler.RunAsync(run, entry.Token);
        if (!running.IsCompleted)
        {
            var cut = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = entry.Token.Register(() => cut.TrySetResult());
            await Task.WhenAny(running, cut.Task);
            if (!running.IsCompleted && entry.Reason is not null)
            {
                await Task.WhenAny(running, Task.Delay(cancelGrace, time, stop));
                stop.ThrowIfCancellationRequested();
                if (!running.IsCompleted)
                {
                    LogAbandoned(run.Id, run.Type, cancelGrace);
                    _ = running.ContinueWith(
                        left => LogEndedLate(left.Exception, run.Id, run.Type),
                        CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                    return new JobOutcome.Cancelled();
                }
            }
        }

        try
        {
            var outcome = await running;
            // A handler that says so because it was stopped has not ended its job.
            return outcome is JobOutcome.Cancelled && entry.Reason is null && stop.IsCancellationRequested
                ? throw new OperationCanceledException(stop)
                : outcome ?? throw new InvalidOperationException($"The handler of {run.Type} returned no outcome.");
        }
        catch (Exception e) when (entry.Reason is not null)
        {
            LogCancelled(e, run.Id, run.Type);
            return new JobOutcome.Cancelled();
        }
    }

    [LoggerMessage(EventId = 1200, Level = LogLevel.Information, Message = "Job {Job} stands aside, and so will others of type {Type}: no handler here knows it. They wait for a worker that does")]
    private partial void LogUnknownType(long job, string type);

    [LoggerMessage(EventId = 1201, Level = LogLevel.Error, Message = "The handler of job {Job} of type {Type} threw on attempt {Attempt}")]
    private partial void LogThrew(Exception error, long job, string type, int attempt);

    [LoggerMessage(EventId = 1204, Level = LogLevel.Debug, Message = "Job {Job} of type {Type} was cancelled")]
    private partial void LogCancelled(Exception error, long job, string type);

    [LoggerMessage(EventId = 1202, Level = LogLevel.Error, Message = "The handler of job {Job} of type {Type} ignored its cancellation for {Grace}: it is left to itself. Pass the token on to what it waits for")]
    private partial void LogAbandoned(long job, string type, TimeSpan grace);

    [LoggerMessage(EventId = 1203, Level = LogLevel.Warning, Message = "The handler of job {Job} of type {Type} ended after it had been left to itself")]
    private partial void LogEndedLate(Exception? error, long job, string type);
}
