using System.CommandLine;
using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Jobs;

namespace Cogo.Cli.Jobs;

/// <summary><c>cogo pause queue</c> and <c>cogo resume queue</c>.</summary>
internal static class PauseVerb
{
    public static Command Create(Terminal terminal, Surroundings surroundings) => Verb(
        "pause", "Begin no more jobs of a queue; what runs goes on.", "select public.pause_queue($1, 'Paused from the command line.')", "is paused", terminal, surroundings);

    public static Command CreateResume(Terminal terminal, Surroundings surroundings) => Verb(
        "resume", "Begin jobs of a paused queue again.", "select public.resume_queue($1)", "goes on", terminal, surroundings);

    private static Command Verb(string name, string description, string sql, string done, Terminal terminal, Surroundings surroundings)
    {
        var queue = new Argument<string>("queue") { Description = "The queue's name.", HelpName = "QUEUE" };
        var json = VerbOptions.Json();
        var database = new DatabaseOptions();
        var command = new Command("queue", description) { queue, json };
        database.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var which = parsed.GetValue(queue)!;
            try
            {
                _ = JobRoute.Of(which);
            }
            catch (ArgumentException e)
            {
                throw InputException.Of(e);
            }

            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            await using var change = session.Source.CreateCommand(sql);
            change.With(which);
            await change.ExecuteNonQueryAsync(cancellationToken);
            await terminal.Out.WriteLineAsync(parsed.GetValue(json)
                ? JsonSerializer.Serialize(new { queue = which, paused = name == "pause" }, CogoJson.Options)
                : $"Queue {which} {done}.");
            return ExitCodes.Passed;
        });
        return new Command(name, description) { command };
    }
}
