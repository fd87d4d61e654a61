using System.CommandLine;
using Cogo.Cli.Gates;
using Cogo.Cli.Run;
using Cogo.Core.Gates;

namespace Cogo.Cli.Smoke;

/// <summary><c>cogo smoke dispatcher|workflows|buildtest|gate-trace</c>: does a Cogo that runs do what it should?</summary>
internal static class SmokeVerb
{
    private const string Codes = "Exits 0 when it does, 1 when not, 2 when it could not be told.";
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(2);

    public static Command Create(Terminal terminal, Surroundings surroundings) => new("smoke", "Try a running Cogo with real work. " + Codes)
    {
        Dispatcher(terminal, surroundings), Workflows(terminal, surroundings), BuildTest(terminal, surroundings), GateTrace(terminal, surroundings),
    };

    private static Command Dispatcher(Terminal terminal, Surroundings surroundings)
    {
        var database = new DatabaseOptions();
        var verb = new Command("dispatcher", "Over the bus alone: a request is relayed and worked on, a wrong one refused, a repeated one done once. " + Codes);
        database.AddTo(verb);
        return Smoke(verb, terminal, surroundings, async (parsed, timeout, cancellationToken) =>
        {
            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            await using var smoke = new DispatcherSmoke(session.Source, surroundings.Time, timeout);
            return (await smoke.RunAsync(cancellationToken), null);
        });
    }

    private static Command Workflows(Terminal terminal, Surroundings surroundings)
    {
        var server = Server();
        var verb = new Command("workflows", "A durable run is red at first, mended by its repair, and passes its gate. " + Codes) { server };
        return Smoke(verb, terminal, surroundings, async (parsed, timeout, cancellationToken) =>
        {
            using var cogo = Cogo(parsed, server, surroundings);
            return await new WorkflowSmoke(cogo, surroundings.Time, timeout).RunAsync(cancellationToken);
        });
    }

    private static Command BuildTest(Terminal terminal, Surroundings surroundings)
    {
        var server = Server();
        var verb = new Command("buildtest", "A good patch is green and a bad one red, each with its report. " + Codes) { server };
        return Smoke(verb, terminal, surroundings, async (parsed, timeout, cancellationToken) =>
        {
            using var cogo = Cogo(parsed, server, surroundings);
            return (await new BuildTestSmoke(cogo, surroundings.Time, timeout).RunAsync(cancellationToken), null);
        });
    }

    private static Command GateTrace(Terminal terminal, Surroundings surroundings)
    {
        var server = Server();
        var trace = new Option<string?>("--trace") { Description = "Judge this trace (default: one of a task that is sent first).", HelpName = "ID" };
        var thresholds = new ThresholdOptions();
        var verb = new Command("gate-trace", "One trace is whole, in order, within its latency, and passed. " + Codes) { server, trace };
        thresholds.AddTo(verb);
        return Smoke(verb, terminal, surroundings, async (parsed, timeout, cancellationToken) =>
        {
            var (bounds, _) = await thresholds.ReadAsync(parsed, surroundings, cancellationToken);
            using var cogo = Cogo(parsed, server, surroundings);
            return await new GateTraceSmoke(cogo, surroundings.Time, timeout, bounds).RunAsync(parsed.GetValue(trace), cancellationToken);
        });
    }

    private static Option<string?> Server() => new("--server") { Description = $"The Cogo to try, on this machine (default: {ServerAddress.Variable}, else {ServerAddress.Default}).", HelpName = "URL" };

    private static CogoServer Cogo(ParseResult parsed, Option<string?> option, Surroundings surroundings)
    {
        var given = parsed.GetValue(option);
        return new CogoServer(ServerAddress.Of(
            given ?? surroundings.Variable(ServerAddress.Variable) ?? ServerAddress.Default, given is null ? ServerAddress.Variable : option.Name));
    }

    private static Command Smoke(
        Command verb, Terminal terminal, Surroundings surroundings, Func<ParseResult, TimeSpan, CancellationToken, Task<(GateAnswer Answer, string? TraceId)>> run)
    {
        var timeout = new Option<string?>("--timeout") { Description = "Longest wait for each task: 90s, 10m (default: 2m).", HelpName = "TIME" };
        var view = new GateView(terminal, surroundings);
        verb.Options.Add(timeout);
        view.AddTo(verb);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            var longest = parsed.GetValue(timeout) switch
            {
                null => DefaultTimeout,
                var text => Durations.Read("--timeout", text, RunArguments.LongestDays),
            };
            var (answer, traceId) = await run(parsed, longest, cancellationToken);
            return await view.ShowAsync(
                parsed, answer, new Dictionary<string, object?>(StringComparer.Ordinal) { ["trace_id"] = traceId }, traceId is null ? [] : [("Trace", traceId)]);
        });
        return verb;
    }
}
