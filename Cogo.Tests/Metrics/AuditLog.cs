using Cogo.Tests.Fixtures;

namespace Cogo.Tests.Metrics;

/// <summary>Writes events as workers do, with times of the test's choice.</summary>
internal sealed class AuditLog(TestDatabase database)
{
    private int _traces;

    /// <summary>A new trace id.</summary>
    public string Trace() => (++_traces).ToString("x32", System.Globalization.CultureInfo.InvariantCulture);

    public Task EventAsync(
        string trace, string type, string data = "{}", long? queued = null, long? ran = null, double secondsAgo = 60, string? route = null, string? tenant = null) =>
        database.ExecuteAsync(
            """
            insert into bus_events (trace_id, type, data, queued_ms, ran_ms, created_at, route, tenant)
            values ($1, $2, $3::jsonb, nullif($4, -1), nullif($5, -1), clock_timestamp() - make_interval(secs => $6), nullif($7, ''), nullif($8, ''))
            """,
            trace, type, data, queued ?? -1, ran ?? -1, secondsAgo, route ?? "", tenant ?? "");

    /// <summary>A task from its dispatch to the verdict of build/test: 1 s each, and 10 ms in each queue.</summary>
    public async Task<string> TaskAsync(
        string verdict, string engine = "patch", string? patch = null, long build = 400, long test = 600, string? tenant = null, double secondsAgo = 60)
    {
        var trace = Trace();
        await EventAsync(trace, "execute_done", queued: 10, ran: 5, secondsAgo: secondsAgo + 2.1, route: "orchestrator/execute/0", tenant: tenant);
        await EventAsync(trace, "codegen_done", $$"""{"engine":"{{engine}}","next":"code/build-test/0"}""", 10, 1000, secondsAgo + 1.1, "codegen/generate/0", tenant);
        var change = patch is null ? "" : $$""","patch_sha256":"{{patch}}","base_commit":"b" """;
        await EventAsync(
            trace, "buildtest_done", $$"""{"verdict":"{{verdict}}","stages":{"build":{{build}},"test":{{test}}}{{change}}}""", 10, 1000, secondsAgo, "code/build-test/0", tenant);
        return trace;
    }
}
