using System.CommandLine;
using Cogo.Cli.Jobs;
using Cogo.Cli.Run;
using Cogo.Core.Workflows;

namespace Cogo.Cli.Workflows;

/// <summary><c>cogo workflow run|list|show|cancel|retry</c>: durable runs, by the API of a server.</summary>
internal static class WorkflowVerb
{
    public static Command Create(Terminal terminal, Surroundings surroundings) => new("workflow", "Run workflows and look after their runs.")
    {
        Run(terminal, surroundings), List(terminal, surroundings), Show(terminal, surroundings), Cancel(terminal, surroundings), Retry(terminal, surroundings),
    };

    private static Command Run(Terminal terminal, Surroundings surroundings)
    {
        var arguments = new RunArguments();
        var template = new Option<string>("--template") { Description = "The workflow.", HelpName = "NAME", DefaultValueFactory = _ => WorkflowTemplate.CodeBuildTest.Name };
        template.AcceptOnlyFromAmong([.. WorkflowTemplate.All.Where(known => known.MakesChange).Select(known => known.Name)]);
        var repairs = new Option<int?>("--max-repairs") { Description = $"How often a red report goes back to codegen (default: {WorkflowStart.DefaultRepairs}).", HelpName = "N" };
        var json = new Option<bool>(RunVerb.JsonOption) { Description = "Write one JSON object a line; the last one has type \"result\"." };
        var verb = new Command(
            RunVerb.Name, "Make a change, build it and test it, and mend what is red, as a durable run. Exits 0 green, 1 red, 2 when the machine is at fault, 3 when the request is.")
        {
            template, repairs, json,
        };
        arguments.AddTo(verb);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            var most = parsed.GetValue(repairs);
            if (most is < 0 or > WorkflowStart.MostRepairs)
            {
                throw new InputException($"--max-repairs is {most}: use 0 to {WorkflowStart.MostRepairs}.");
            }

            var options = await arguments.ReadAsync(parsed, surroundings, cancellationToken, parsed.GetValue(template), most);
            return await RunVerb.FollowAsync(options, parsed.GetValue(json), terminal, surroundings, cancellationToken);
        });
        return verb;
    }

    private static Command List(Terminal terminal, Surroundings surroundings)
    {
        var status = new Option<string?>("--status") { Description = "Only runs of this status.", HelpName = "STATUS" };
        status.AcceptOnlyFromAmong([.. Enum.GetNames<RunStatus>().Select(name => name.ToLowerInvariant())]);
        var limit = new Option<int>("--limit") { Description = "Most runs to show: 1 to 500 (default: 50).", HelpName = "N", DefaultValueFactory = _ => 50 };
        return Ask(new Command("list", "Runs, newest first.") { status, limit }, terminal, surroundings, async (server, parsed, view, cancellationToken) =>
        {
            var page = await server.JsonAsync($"/api/workflows?limit={parsed.GetValue(limit)}{(parsed.GetValue(status) is { } word ? $"&status={word}" : "")}", cancellationToken);
            await view.ListAsync(page.GetProperty("runs"));
        });
    }

    private static Command Show(Terminal terminal, Surroundings surroundings)
    {
        var id = Id();
        return Ask(new Command("show", "One run with its steps.") { id }, terminal, surroundings, async (server, parsed, view, cancellationToken) =>
            await view.ShowAsync(await server.JsonAsync(PathOf(parsed.GetValue(id)), cancellationToken)));
    }

    private static Command Cancel(Terminal terminal, Surroundings surroundings)
    {
        var id = Id();
        var reason = new Option<string?>("--reason") { Description = "Why; it stands with the run.", HelpName = "TEXT" };
        return Ask(new Command("cancel", "End a run.") { id, reason }, terminal, surroundings, async (server, parsed, view, cancellationToken) =>
            await view.ShowAsync(await server.PostAsync(
                $"{PathOf(parsed.GetValue(id))}/cancel{(parsed.GetValue(reason) is { } why ? $"?reason={Uri.EscapeDataString(why)}" : "")}", Key(), cancellationToken)));
    }

    private static Command Retry(Terminal terminal, Surroundings surroundings)
    {
        var id = Id();
        var from = new Option<string?>("--from") { Description = "The step to go on from (default: the one it ended at).", HelpName = "STEP" };
        from.AcceptOnlyFromAmong([.. StepKind.All.Select(step => step.Name)]);
        return Ask(new Command("retry", "Let a run that has not passed go on from a step.") { id, from }, terminal, surroundings, async (server, parsed, view, cancellationToken) =>
            await view.ShowAsync(await server.PostAsync(
                $"{PathOf(parsed.GetValue(id))}/retry{(parsed.GetValue(from) is { } step ? $"?from={step}" : "")}", Key(), cancellationToken)));
    }

    private static Command Ask(
        Command command, Terminal terminal, Surroundings surroundings, Func<CogoServer, ParseResult, WorkflowText, CancellationToken, Task> ask)
    {
        var address = new Option<string?>("--server") { Description = "The Cogo to ask (default: COGO_URL, else this machine's).", HelpName = "URL" };
        var json = VerbOptions.Json();
        command.Options.Add(address);
        command.Options.Add(json);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var server = new CogoServer(RunArguments.ServerOf(parsed.GetValue(address), surroundings));
            await ask(server, parsed, new WorkflowText(terminal, parsed.GetValue(json)), cancellationToken);
            return ExitCodes.Passed;
        });
        return command;
    }

    private static Argument<string> Id() => new("run") { Description = "Id of the run.", HelpName = "RUN" };

    private static string PathOf(string? id) => WorkflowIds.IsRunId(id)
        ? $"/api/workflows/{id}"
        : throw new InputException($"'{Terminal.OneLine(id ?? "", 60)}' is no id of a run: write it as `cogo workflow list` shows it.");

    private static string Key() => Guid.NewGuid().ToString("N");
}
