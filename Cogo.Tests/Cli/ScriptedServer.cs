using System.Text;
using Cogo.Core.Artifacts;
using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Cogo.Tests.Api;
using Cogo.Tests.Bus;
using Cogo.Workers.Dispatcher;

namespace Cogo.Tests.Cli;

/// <summary>A real server, bus and dispatcher; codegen and build/test do what the test says.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    public const string GreenReport = """
        {"verdict":"passed","failure_class":null,"message":null,
         "stages":[{"name":"build","command":"make","exit":0,"signal":null,"duration":0.5,"timed_out":false,"oom":false,"log":"build.log"},
                   {"name":"test","command":"make test","exit":0,"signal":null,"duration":1.25,"timed_out":false,"oom":false,"log":"test.log"}],
         "tests":{"total":3,"passed":3,"failed":0,"errored":0,"skipped":0,"cases":[]}}
        """;

    public const string RedReport = """
        {"verdict":"failed","failure_class":"tests_failed","message":"2 of 3 tests failed.",
         "stages":[{"name":"test","command":"make test","exit":1,"signal":null,"duration":1.25,"timed_out":false,"oom":false,"log":"test.log"}],
         "tests":{"total":3,"passed":1,"failed":1,"errored":1,"skipped":0,"cases":[
           {"name":"adds_two_numbers","suite":"Calculator","outcome":"failed","message":"expected 4\u001b[2J\nbut was 0","file":"test/calculator.js","line":12},
           {"name":"divides","suite":"Calculator","outcome":"errored","message":"it threw","file":"test/calculator.js","line":20},
           {"name":"subtracts","suite":"Calculator","outcome":"passed","message":null,"file":null,"line":null}]}}
        """;

    private readonly ApiHost _api = new();
    private readonly List<Subscription> _subscriptions = [];

    public Func<Delivery, Task<Outcome>> Codegen { get; set; } = PassOnAsync;

    /// <summary>What build/test stores; null: nothing.</summary>
    public string? Report { get; set; } = GreenReport;

    public string Verdict { get; set; } = "passed";

    public string? FailureClass { get; set; }

    public ApiHost Api => _api;

    public string Address => _api.Http.BaseAddress!.ToString();

    public static async Task<ScriptedServer> StartAsync()
    {
        var server = new ScriptedServer();
        await server._api.InitializeAsync();
        await server.ReadAsync(Route.Execute, new ExecutorDispatcher(new DispatcherOptions()));
        await server.ReadAsync(Route.Codegen, new Recorder((delivery, _) => server.Codegen(delivery)));
        await server.ReadAsync(Route.BuildTest, new Recorder((delivery, _) => server.BuildTestAsync(delivery)));
        return server;
    }

    public static Task<Outcome> PassOnAsync(Delivery delivery)
    {
        var request = PipelineRequest.TryRead(delivery.Payload, out _)!;
        return Task.FromResult<Outcome>(Outcome.Completed(
            [new AuditEvent(EventTypes.CodegenDone, new { engine = request.Engine, files = 1, added = 2, removed = 1 })],
            [OutgoingMessage.Of(Route.Parse(request.Next!), new { task_id = request.TaskId })]));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var subscription in _subscriptions)
        {
            await subscription.DisposeAsync();
        }

        await _api.DisposeAsync();
    }

    private async Task ReadAsync(Route route, IMessageHandler handler) =>
        _subscriptions.Add(await _api.Bus.SubscribeAsync(route, handler, new SubscriptionOptions(), CancellationToken.None));

    private async Task<Outcome> BuildTestAsync(Delivery delivery)
    {
        var request = PipelineRequest.TryRead(delivery.Payload, out _)!;
        string? path = null;
        if (Report is not null)
        {
            path = $"{request.TaskId}/build-test/report.json";
            using var content = new MemoryStream(Encoding.UTF8.GetBytes(Report));
            await _api.Artifacts.SaveAsync(path, content, new ArtifactContext(request.TaskId!, delivery.TraceId, "application/json"), CancellationToken.None);
        }

        await _api.Bus.Events.AppendAsync(delivery, new AuditEvent(EventTypes.BuildTestProgress, new { stage = "test", state = "started" }), CancellationToken.None);
        return Outcome.Completed([new AuditEvent(EventTypes.BuildTestDone, new { verdict = Verdict, failure_class = FailureClass, report = path, tests = new { passed = 3 } })]);
    }
}
