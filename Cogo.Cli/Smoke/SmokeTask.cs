using Cogo.Cli.Run;
using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;

namespace Cogo.Cli.Smoke;

/// <summary>Sends a patch to a server and waits for its verdict.</summary>
internal sealed class SmokeTask(CogoServer server, TimeProvider time, TimeSpan timeout)
{
    /// <summary>Why the server cannot be tried now; null: it can.</summary>
    /// <exception cref="InputException">It is on another machine, which cannot see a repository of this one.</exception>
    public async Task<string?> ObstacleAsync(CancellationToken cancellationToken)
    {
        if (!server.Address.IsLoopback)
        {
            throw new InputException($"{server.Address} is on another machine and cannot see the smoke test's repository: run it there.");
        }

        if (await server.LookAsync(cancellationToken) is not { } status)
        {
            return $"No Cogo answers at {server.Address}. Start one: cogo dev.";
        }

        if (status.Status != "ok")
        {
            return $"The Cogo at {server.Address} cannot work: {status.Database?.Problem ?? "its database does not answer."}";
        }

        var missing = new[] { Route.Execute, Route.Codegen, Route.BuildTest }.Where(route => !status.Reads(route)).ToList();
        return missing.Count == 0 ? null : $"No worker reads {string.Join(" and ", missing)}: start one, or cogo dev.";
    }

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    /// <summary>The whole trace; without a verdict when there was none in time.</summary>
    /// <param name="repairs">The task that this one is the repair of: it goes under the same trace. Null: none.</param>
    public Task<TraceTimeline> RunAsync(SmokeRepository repository, string patch, string name, TraceTimeline? repairs, CancellationToken cancellationToken)
    {
        var request = new RunRequest { TaskId = $"smoke-{name}-{Guid.NewGuid().ToString("N")[..12]}", Repo = repository.Path, Engine = RequestRules.PatchEngine, Patch = patch };
        return repairs is null ? RunAsync(request, cancellationToken) : RepairAsync(request, repairs, cancellationToken);
    }

    /// <inheritdoc cref="RunAsync(SmokeRepository, string, string, TraceTimeline?, CancellationToken)"/>
    public async Task<TraceTimeline> RunAsync(RunRequest request, CancellationToken cancellationToken)
    {
        var ticket = await server.SubmitAsync(request, Guid.NewGuid().ToString("N"), cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            await foreach (var _ in new TraceFollower(server, time, static _ => { }).FollowAsync(ticket.TraceId, limit.Token))
            {
                // Only its end matters.
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The trace, as far as it got, tells what is missing.
        }

        return await server.WholeTraceAsync(ticket.TraceId, cancellationToken);
    }

    /// <summary>The trace has a verdict already: the next one is waited for.</summary>
    private async Task<TraceTimeline> RepairAsync(RunRequest request, TraceTimeline repaired, CancellationToken cancellationToken)
    {
        var ticket = await server.SubmitAsync(request, Guid.NewGuid().ToString("N"), cancellationToken, repaired.TraceId);
        var started = time.GetTimestamp();
        while (true)
        {
            var trace = await server.WholeTraceAsync(ticket.TraceId, cancellationToken);
            if (trace.Verdict is not null && (ticket.TraceId != repaired.TraceId || trace.EndedAt > repaired.EndedAt))
            {
                return trace;
            }

            if (time.GetElapsedTime(started) > timeout)
            {
                return trace with { Verdict = null, Reason = null };
            }

            await Task.Delay(LookEvery, time, cancellationToken);
        }
    }
}
