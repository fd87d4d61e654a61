using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cogo.Core;
using Cogo.Core.Jobs;

namespace Cogo.Cli.Jobs;

/// <summary><c>cogo schedule set|list|remove</c>: jobs that recur.</summary>
internal static class ScheduleVerb
{
    public static Command Create(Terminal terminal, Surroundings surroundings) => new("schedule", "Jobs that recur: set, list or remove their schedules.")
    {
        Set(terminal, surroundings), List(terminal, surroundings), Remove(terminal, surroundings),
    };

    private static Command Set(Terminal terminal, Surroundings surroundings)
    {
        var name = Name();
        var cron = new Option<string>("--cron") { Description = "When, in UTC: minute hour day-of-month month day-of-week, or @daily and the like.", HelpName = "CRON", Required = true };
        var type = new Option<string>("--type") { Description = "The type of the jobs, such as http.get.", HelpName = "TYPE", Required = true };
        var payload = new Option<string?>("--payload") { Description = "The payload of the jobs, a JSON object (default: {}).", HelpName = "JSON" };
        var payloadFile = new Option<string?>("--payload-file") { Description = "Read the payload from a file; - is standard input.", HelpName = "FILE|-" };
        var queue = new Option<string>("--queue") { Description = "The queue.", HelpName = "QUEUE", DefaultValueFactory = _ => JobRoute.DefaultQueue };
        var priority = new Option<int>("--priority") { Description = "Higher goes first, -100 to 100.", HelpName = "N" };
        var attempts = new Option<int?>("--max-attempts") { Description = "Attempts before a job is given up (default: 5).", HelpName = "N" };
        var tenant = new Option<string?>("--tenant") { Description = "Whose jobs they are; tenants take turns.", HelpName = "TENANT" };
        var dryRun = VerbOptions.Flag("--dry-run", "DRY_RUN", "Only check it and show when it would run. Default: false.");
        var json = VerbOptions.Json();
        var database = new DatabaseOptions();
        var command = new Command("set", "Create a schedule, or replace the one with this name.") { name, cron, type, payload, payloadFile, queue, priority, attempts, tenant, dryRun, json };
        database.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var dry = parsed.Read(dryRun, "DRY_RUN", otherwise: false, surroundings);
            var content = await PayloadText.ReadAsync(parsed.GetValue(payload), parsed.GetValue(payloadFile), surroundings, cancellationToken);
            var job = new JobRequest(parsed.GetValue(type)!, content.ToJsonString(CogoJson.Options))
            {
                Queue = parsed.GetValue(queue)!,
                Priority = parsed.GetValue(priority),
                MaxAttempts = parsed.GetValue(attempts),
                Tenant = parsed.GetValue(tenant),
            };
            var (which, when) = (parsed.GetValue(name)!, parsed.GetValue(cron)!);
            var next = Checked(() => JobSchedules.Next(which, when, job, surroundings.Time.GetUtcNow()));
            if (!dry)
            {
                await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
                await using var bus = session.OpenBus();
                next = await new JobSchedules(session.Source, new JobQueue(session.Source, bus)).SetAsync(which, when, job, cancellationToken);
            }

            await terminal.Out.WriteLineAsync(parsed.GetValue(json)
                ? JsonSerializer.Serialize(
                    new { name = which, cron = when, job.Type, job.Queue, payload = JsonNode.Parse(job.Payload), job.Priority, job.MaxAttempts, job.Tenant, next_run_at = next.UtcDateTime, dry_run = dry },
                    CogoJson.Options)
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"Schedule {which} {(dry ? "would enqueue" : "enqueues")} {job.Type} in queue {job.Queue}, next at {next.UtcDateTime:yyyy-MM-dd HH:mm} UTC.{(dry ? " Nothing was changed." : "")}"));
            return ExitCodes.Passed;
        });
        return command;
    }

    private static Command List(Terminal terminal, Surroundings surroundings) => ListVerb.Listing(
        new Command("list", "The schedules by name; problem says why one was set aside."), terminal, surroundings, _ => "list_job_schedules",
        ["name", "cron", "type", "next_run_at", "problem", "last_run_at", "queue", "priority", "max_attempts", "tenant"],
        "There are no schedules. Make one: cogo schedule set NAME --cron CRON --type TYPE.", (command, _) => command, defaultLimit: 1000);

    private static Command Remove(Terminal terminal, Surroundings surroundings)
    {
        var name = Name();
        var dryRun = VerbOptions.Flag("--dry-run", "DRY_RUN", "Only say whether there is one. Default: false.");
        var json = VerbOptions.Json();
        var database = new DatabaseOptions();
        var command = new Command("remove", "Remove a schedule; jobs that it enqueued stay.") { name, dryRun, json };
        database.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var which = parsed.GetValue(name)!;
            var dry = parsed.Read(dryRun, "DRY_RUN", otherwise: false, surroundings);
            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            await using var bus = session.OpenBus();
            var schedules = new JobSchedules(session.Source, new JobQueue(session.Source, bus));
            if (!(dry ? await schedules.ExistsAsync(which, cancellationToken) : await schedules.RemoveAsync(which, cancellationToken)))
            {
                throw new InputException($"There is no schedule '{which}'. `cogo schedule list` shows those there are.");
            }

            await terminal.Out.WriteLineAsync(parsed.GetValue(json)
                ? JsonSerializer.Serialize(new { name = which, removed = !dry, dry_run = dry }, CogoJson.Options)
                : dry ? $"Schedule {which} would be removed. Nothing was changed." : $"Schedule {which} is removed.");
            return ExitCodes.Passed;
        });
        return command;
    }

    private static Argument<string> Name() => new("name") { Description = "The schedule's name, 1 to 100 characters.", HelpName = "NAME" };

    private static T Checked<T>(Func<T> check)
    {
        try
        {
            return check();
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            throw InputException.Of(e);
        }
    }
}
