using System.CommandLine;
using Cogo.Core.Database;

namespace Cogo.Cli.Jobs;

/// <summary><c>cogo list jobs|queues|artifacts|workers|heartbeats|dlq</c>.</summary>
internal static class ListVerb
{
    private const int DefaultLimit = 50;

    private static readonly string[] Statuses = ["scheduled", "queued", "running", "retrying", "succeeded", "failed", "cancelled"];

    public static Command Create(Terminal terminal, Surroundings surroundings) => new("list", "Show jobs, queues, artifacts, workers, heartbeats or dead jobs.")
    {
        Jobs(terminal, surroundings), Queues(terminal, surroundings), Artifacts(terminal, surroundings), Workers(terminal, surroundings), Heartbeats(terminal, surroundings), Dead(terminal, surroundings),
    };

    private static Command Jobs(Terminal terminal, Surroundings surroundings)
    {
        var status = new Option<string?>("--status") { Description = string.Join(", ", Statuses) + ".", HelpName = "STATUS" };
        status.AcceptOnlyFromAmong(Statuses);
        var type = VerbOptions.Text("--type", "TYPE_PREFIX", "Types that begin so.", "PREFIX");
        var queue = new Option<string?>("--queue") { Description = "Of this queue.", HelpName = "QUEUE" };
        var executor = VerbOptions.Text("--executor", "EXECUTOR_ID", "Of this executor.", "ID");
        var tenant = new Option<string?>("--tenant") { Description = "Of this tenant.", HelpName = "TENANT" };
        return Listing(
            new Command("jobs", "Jobs, newest first.") { status, type, queue, executor, tenant }, terminal, surroundings,
            parsed => parsed.GetValue(status) is null or "queued" or "succeeded" ? "list_jobs" : "list_jobs_of_status",
            ["id", "type", "status", "error", "created_at", "attempts", "next_run_at", "queue", "priority", "progress", "worker_id"],
            "There are no such jobs. Enqueue one: cogo enqueue TYPE.",
            (command, parsed) => command.With(parsed.GetValue(status)).With(parsed.Read(type, "TYPE_PREFIX", surroundings)).With(parsed.GetValue(queue))
                .With(parsed.Read(executor, "EXECUTOR_ID", surroundings)).With(parsed.GetValue(tenant)));
    }

    private static Command Queues(Terminal terminal, Surroundings surroundings) => Listing(
        new Command("queues", "Queues by name: whether they are paused, and how many jobs wait, run and were given up."), terminal, surroundings, _ => "list_queues",
        ["queue", "paused", "waiting", "running", "failed", "reason", "paused_at"], "No queue has jobs or workers yet. Enqueue one: cogo enqueue TYPE.",
        (command, _) => command);

    private static Command Artifacts(Terminal terminal, Surroundings surroundings)
    {
        var task = new Option<string?>("--task") { Description = "Of this task; a job's is job-<id>.", HelpName = "TASK" };
        return Listing(
            new Command("artifacts", "Artifacts, newest first.") { task }, terminal, surroundings, _ => "list_artifacts",
            ["path", "bytes", "created_at", "content_type", "expires_at", "storage"], "There are no such artifacts.",
            (command, parsed) =>
            {
                command.With(parsed.GetValue(task));
                command.Parameters.Add(new Npgsql.NpgsqlParameter { NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.TimestampTz, Value = DBNull.Value });
                return command.With(null);
            });
    }

    private static Command Workers(Terminal terminal, Surroundings surroundings) => Listing(
        new Command("workers", "Workers that have registered."), terminal, surroundings, _ => "list_workers",
        ["worker_id", "alive", "seen_at", "queues", "types", "executor_id", "version", "pid", "host"], "No worker has registered yet. Start one: cogo dev.",
        (command, _) => command);

    private static Command Heartbeats(Terminal terminal, Surroundings surroundings)
    {
        var worker = VerbOptions.Text("--worker", "WORKER_ID", "Of this worker.", "ID");
        return Listing(
            new Command("heartbeats", "Sessions of workers and when each was heard of last.") { worker }, terminal, surroundings, _ => "list_heartbeats",
            ["worker_id", "alive", "seen_at", "end_reason", "started_at", "routes", "lease_until", "pid", "session_id"], "No worker has been heard of.",
            (command, parsed) => command.With(parsed.Read(worker, "WORKER_ID", surroundings)));
    }

    private static Command Dead(Terminal terminal, Surroundings surroundings)
    {
        var type = VerbOptions.Text("--type", "TYPE_PREFIX", "Types that begin so.", "PREFIX");
        return Listing(
            new Command("dlq", "Jobs that were given up, newest first.") { type }, terminal, surroundings, _ => "list_dead_jobs",
            ["job_id", "type", "error", "replayed_as", "created_at", "attempts", "error_code", "queue"], "There are no dead jobs.",
            (command, parsed) => command.With(parsed.Read(type, "TYPE_PREFIX", surroundings)));
    }

    /// <summary>A verb that shows the rows of a query, whose last parameter is how many at most.</summary>
    public static Command Listing(
        Command command, Terminal terminal, Surroundings surroundings, Func<ParseResult, string> query, string[] columns, string nothing,
        Func<Npgsql.NpgsqlCommand, ParseResult, Npgsql.NpgsqlCommand> bind, int defaultLimit = DefaultLimit)
    {
        var limit = VerbOptions.Number("--limit", "LIMIT", $"Most rows to show (default: {defaultLimit}).");
        var json = VerbOptions.Json();
        var database = new DatabaseOptions();
        command.Options.Add(limit);
        command.Options.Add(json);
        database.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var most = parsed.Read(limit, "LIMIT", 1, surroundings) ?? defaultLimit;
            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            await using var ask = session.Source.CreateCommand(SqlQuery.Load(query(parsed)));
            bind(ask, parsed).With((long)most);
            await new RowView(terminal, parsed.GetValue(json), surroundings.Time).ShowAsync(ask, columns, nothing, cancellationToken);
            return ExitCodes.Passed;
        });
        return command;
    }
}
