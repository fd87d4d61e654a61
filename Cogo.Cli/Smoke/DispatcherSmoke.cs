using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Core.Gates;
using Cogo.Core.Pipeline;
using Npgsql;

namespace Cogo.Cli.Smoke;

/// <summary>Talks to the dispatcher as any agent would: with an <c>INSERT</c> into <c>agent_messages</c>.</summary>
internal sealed class DispatcherSmoke(NpgsqlDataSource source, TimeProvider time, TimeSpan timeout) : IAsyncDisposable
{
    private const string Insert =
        "insert into public.agent_messages (service, role, shard, payload, idempotency_key) values ($1, $2, $3, $4::jsonb, $5) returning trace_id";

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);
    private readonly TraceReader _traces = new(source);

    public async Task<GateAnswer> RunAsync(CancellationToken cancellationToken)
    {
        var checks = new Checks();
        var read = (await new SystemStatus(source).ReadAsync(cancellationToken)).Workers.SelectMany(worker => worker.Routes).ToHashSet(StringComparer.Ordinal);
        var missing = new[] { Route.Execute, Route.Codegen }.Select(route => route.ToString()).Where(route => !read.Contains(route)).ToList();
        if (missing.Count > 0)
        {
            checks.Unknown("workers", $"{Route.Execute} and {Route.Codegen} are read", $"nobody reads {string.Join(" and ", missing)}", "Start the workers: cogo dev, in this folder or with this database.");
            return checks.Answer("dispatcher");
        }

        using var repository = await SmokeRepository.CreateAsync(cancellationToken);
        var request = new PipelineRequest { Target = Route.Codegen.ToString(), Repo = repository.Path, Engine = RequestRules.PatchEngine, Patch = SmokeRepository.GoodPatch };
        await RelayAsync(checks, request, cancellationToken);
        await RefuseAsync(checks, request with { Target = "nobody/knows/0" }, cancellationToken);
        await RepeatAsync(checks, request, cancellationToken);
        return checks.Answer("dispatcher");
    }

    public ValueTask DisposeAsync() => _traces.DisposeAsync();

    private async Task RelayAsync(Checks checks, PipelineRequest request, CancellationToken cancellationToken)
    {
        var traceId = await SendAsync(request, null, cancellationToken);
        var trace = await UntilAsync(traceId, trace => trace.Verdict is not null, cancellationToken);
        var types = Types(trace);
        string[] wanted = [EventTypes.ExecuteEnqueued, EventTypes.ExecuteDone, EventTypes.CodegenDone];
        checks.Add(
            "relayed_and_worked_on", string.Join(", ", wanted), Shown(types), wanted.All(types.Contains),
            $"{trace?.Reason ?? $"There was no verdict within {timeout.TotalSeconds} s."} Trace {traceId}.");
        var relayed = trace?.Timeline.Any(entry => entry.Kind == TimelineKind.Message && entry.Route == Route.Codegen.ToString()) == true;
        checks.Add("one_trace", $"a message on {Route.Codegen} under the same trace", relayed ? "there is" : "there is none", relayed, $"Look at trace {traceId}.");
    }

    private async Task RefuseAsync(Checks checks, PipelineRequest request, CancellationToken cancellationToken)
    {
        var traceId = await SendAsync(request, null, cancellationToken);
        var trace = await UntilAsync(traceId, trace => trace.Verdict is not null, cancellationToken);
        var code = trace?.Timeline.LastOrDefault(entry => entry.Type == EventTypes.ExecuteFailed)?.Data is { } data && data.TryGetProperty("code", out var value) ? value.GetString() : null;
        checks.Add("unknown_target_refused", "unknown_target, invalid", $"{code ?? "not refused"}, {trace?.Verdict?.ToString().ToLowerInvariant() ?? "no verdict"}", code == "unknown_target" && trace?.Verdict == Verdict.Invalid, $"Look at trace {traceId}.");
        await using var ask = source.CreateCommand("select count(*) from public.dead_letters where trace_id = $1");
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = traceId });
        var letters = (long)(await ask.ExecuteScalarAsync(cancellationToken))!;
        checks.Add("dead_letter", "1", letters.ToString(System.Globalization.CultureInfo.InvariantCulture), letters == 1, "What is refused must stand in public.dead_letters.");
    }

    private async Task RepeatAsync(Checks checks, PipelineRequest request, CancellationToken cancellationToken)
    {
        var key = $"smoke-{Guid.NewGuid():N}";
        var first = await SendAsync(request, key, cancellationToken);
        var second = await SendAsync(request, key, cancellationToken);
        var done = await UntilAsync(first, trace => trace.Verdict is not null, cancellationToken);
        var twin = await UntilAsync(second, trace => Types(trace).Contains("message_duplicate"), cancellationToken);
        var holds = Types(done).Contains(EventTypes.CodegenDone) && Types(twin) is ["message_duplicate"];
        checks.Add(
            "repeated_key_done_once", "codegen_done, and message_duplicate for the second", $"{Shown(Types(done).TakeLast(1))}, and {Shown(Types(twin))}", holds,
            $"Traces {first} and {second} have the same idempotency key.");
    }

    private async Task<string> SendAsync(PipelineRequest request, string? key, CancellationToken cancellationToken)
    {
        await using var insert = source.CreateCommand(Insert);
        foreach (var text in new[] { Route.Execute.Service, Route.Execute.Role, Route.Execute.Shard, JsonSerializer.Serialize(request, CogoJson.Options) })
        {
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = text });
        }

        insert.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text, Value = (object?)key ?? DBNull.Value });
        return (string)(await insert.ExecuteScalarAsync(cancellationToken))!;
    }

    private async Task<TraceTimeline?> UntilAsync(string traceId, Func<TraceTimeline, bool> holds, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var trace = await _traces.ReadAsync(traceId, null, cancellationToken);
            if ((trace is not null && holds(trace)) || time.GetElapsedTime(started) > timeout)
            {
                return trace;
            }

            await Task.Delay(LookEvery, time, cancellationToken);
        }
    }

    private static List<string> Types(TraceTimeline? trace) =>
        [.. (trace?.Timeline ?? []).Where(entry => entry.Kind == TimelineKind.Event && !entry.Type.EndsWith("_progress", StringComparison.Ordinal)).Select(entry => entry.Type)];

    private static string Shown(IEnumerable<string> types) => string.Join(", ", types) is { Length: > 0 } text ? text : "nothing";
}
