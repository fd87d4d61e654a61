using System.CommandLine;

namespace Cogo.Cli.Run;

/// <summary><c>cogo run</c>: one change through codegen, build and test, followed until its verdict.</summary>
internal static class RunVerb
{
    public const string Name = "run";
    public const string JsonOption = "--json";

    public static Command Create(Terminal terminal, Surroundings surroundings)
    {
        var arguments = new RunArguments();
        var json = new Option<bool>(JsonOption) { Description = "Write one JSON object a line; the last one has type \"result\"." };
        var verb = new Command(
            Name,
            "Make a change to a repository, build it and test it. Exits 0 green, 1 red, 2 when the machine is at fault, 3 when the request is.")
        {
            json,
        };
        arguments.AddTo(verb);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            var options = await arguments.ReadAsync(parsed, surroundings, cancellationToken);
            return await FollowAsync(options, parsed.GetValue(json), terminal, surroundings, cancellationToken);
        });
        return verb;
    }

    /// <summary>Runs what was asked for, shows it as it goes, and returns the exit code.</summary>
    public static async Task<int> FollowAsync(RunOptions options, bool json, Terminal terminal, Surroundings surroundings, CancellationToken cancellationToken)
    {
        await using IRunView view = json ? new JsonRunView(terminal.Out)
            : terminal.Interactive && !options.System.Verbose ? new LiveRunView(terminal.Rich, surroundings.Time)
            : new PlainRunView(terminal.Rich);
        RunResult result;
        ReportView? report;
        await using (var target = await RunTarget.OpenAsync(options, view, cancellationToken))
        {
            (result, report) = await new RunSession(target, options, view, surroundings.Time).RunAsync(cancellationToken);
        }

        await view.EndAsync(result, report);
        return cancellationToken.IsCancellationRequested && result.Code == RunSession.Interrupted
            ? ExitCodes.Interrupted
            : ExitCodes.Of(result.Verdict);
    }
}
