using System.CommandLine;
using System.Text.Json;
using Cogo.Core;

namespace Cogo.Cli.Jobs;

/// <summary><c>cogo cancel job ID</c>.</summary>
internal static class CancelVerb
{
    public static Command Create(Terminal terminal, Surroundings surroundings)
    {
        var id = new Argument<long>("id") { Description = "The job.", HelpName = "ID" };
        var reason = new Option<string>("--reason") { Description = "Why; it stands with the job.", HelpName = "TEXT", DefaultValueFactory = _ => "Cancelled on request." };
        var json = VerbOptions.Json();
        var database = new DatabaseOptions();
        var job = new Command("job", "End a waiting job, or ask the worker of a running one to end it.") { id, reason, json };
        database.AddTo(job);
        job.SetAction(async (parsed, cancellationToken) =>
        {
            var number = parsed.GetValue(id);
            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            await using var cancel = session.Source.CreateCommand("select public.cancel_job($1, $2)");
            cancel.With(number).With(parsed.GetValue(reason));
            var answer = (string?)await cancel.ExecuteScalarAsync(cancellationToken);
            if (answer == "unknown" && !parsed.GetValue(json))
            {
                throw new InputException($"There is no job {number}. `cogo list jobs` shows those there are.");
            }

            await terminal.Out.WriteLineAsync(parsed.GetValue(json)
                ? JsonSerializer.Serialize(new { id = number, answer }, CogoJson.Options)
                : answer switch
                {
                    "cancelled" => $"Job {number} is cancelled.",
                    "requested" => $"Job {number} is asked to end.",
                    _ => $"Job {number} has ended before.",
                });
            return answer is "unknown" ? ExitCodes.Invalid : ExitCodes.Passed;
        });
        return new Command("cancel", "Cancel a job.") { job };
    }
}
