using Cogo.Cli.Run;
using Cogo.Core.Audit;
using Cogo.Core.Gates;
using Cogo.Core.Pipeline;

namespace Cogo.Cli.Smoke;

/// <summary>
/// A bad patch and then a good one through the whole pipeline, and their reports over HTTP. The good one goes under the trace
/// of the bad one, as the repair of it: figures count one task, which passed in the end.
/// </summary>
internal sealed class BuildTestSmoke(CogoServer server, TimeProvider time, TimeSpan timeout)
{
    public async Task<GateAnswer> RunAsync(CancellationToken cancellationToken)
    {
        var checks = new Checks();
        var task = new SmokeTask(server, time, timeout);
        if (await task.ObstacleAsync(cancellationToken) is { } obstacle)
        {
            checks.Unknown("server", "a Cogo with its workers", "none", obstacle);
            return checks.Answer("buildtest");
        }

        using var repository = await SmokeRepository.CreateAsync(cancellationToken);
        var red = await task.RunAsync(repository, SmokeRepository.BadPatch, "red", null, cancellationToken);
        await CheckAsync(checks, red, "red", Verdict.Failed, "1 passed, 1 failed", cancellationToken);
        if (red.Verdict is not null)
        {
            var green = await task.RunAsync(repository, SmokeRepository.GoodPatch, "green", red, cancellationToken);
            await CheckAsync(checks, green, "green", Verdict.Passed, "2 passed, 0 failed", cancellationToken);
        }

        return checks.Answer("buildtest");
    }

    private async Task CheckAsync(Checks checks, TraceTimeline trace, string name, Verdict wanted, string tests, CancellationToken cancellationToken)
    {
        var actual = trace.Verdict?.ToString().ToLowerInvariant() ?? "none in time";
        var expected = wanted.ToString().ToLowerInvariant();
        if (trace.Verdict is null or Verdict.Infrastructure)
        {
            checks.Unknown($"{name}_verdict", expected, actual, $"{trace.Reason ?? $"There was no verdict within {timeout.TotalSeconds} s."} Trace {trace.TraceId}.");
            return;
        }

        checks.Add($"{name}_verdict", expected, actual, trace.Verdict == wanted, $"{trace.Reason ?? "It should not be."} Trace {trace.TraceId}.");
        var path = $"{trace.TaskId}/build-test/report.json";
        try
        {
            var report = await server.JsonArtifactAsync(path, cancellationToken);
            var counts = report.GetProperty("tests");
            var shown = $"{counts.GetProperty("passed")} passed, {counts.GetProperty("failed")} failed";
            checks.Add($"{name}_report", tests, shown, shown == tests, $"Look at {server.Address}artifacts/{path}.");
        }
        catch (Exception e) when (e is ServerException or KeyNotFoundException or InvalidOperationException)
        {
            checks.Add($"{name}_report", tests, "no report", holds: false, $"{server.Address}artifacts/{path} is not served as a report: {e.Message}");
        }
    }
}
