using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Cogo.Core;
using Cogo.Core.Database;
using Npgsql;
using Spectre.Console;

namespace Cogo.Cli.Jobs;

/// <summary><c>cogo show job ID</c>: all that is known of one job.</summary>
internal static class ShowVerb
{
    public static Command Create(Terminal terminal, Surroundings surroundings)
    {
        var id = new Argument<long>("id") { Description = "The job.", HelpName = "ID" };
        var json = VerbOptions.Json();
        var database = new DatabaseOptions();
        var job = new Command("job", "All of a job: its state, payload, result and error.") { id, json };
        database.AddTo(job);
        job.SetAction(async (parsed, cancellationToken) =>
        {
            var number = parsed.GetValue(id);
            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            await using var ask = session.Source.CreateCommand(SqlQuery.Load("show_job"));
            await using var reader = await ask.With(number).ExecuteReaderAsync(cancellationToken);
            if (!await reader.ReadAsync(cancellationToken))
            {
                throw new InputException($"There is no job {number}. `cogo list jobs` shows those there are.");
            }

            if (parsed.GetValue(json))
            {
                await terminal.Out.WriteLineAsync(RowView.Line(reader));
            }
            else
            {
                Draw(reader, terminal, surroundings.Time);
            }

            return ExitCodes.Passed;
        });
        return new Command("show", "Show one job.") { job };
    }

    private static void Draw(NpgsqlDataReader job, Terminal terminal, TimeProvider time)
    {
        var grid = new Grid().AddColumn(new GridColumn { NoWrap = true, Padding = new Padding(0, 0, 2, 0) }).AddColumn(new GridColumn { Padding = new Padding(0, 0, 0, 0) });
        var (status, style) = RowView.Status(job);
        Add("job", Text("id"));
        Add("type", Text("type"));
        grid.AddRow(new Text("status", new Style(decoration: Decoration.Bold)), new Text(status, style));
        Add("waits for", WaitsFor());
        Add("error code", Text("error_code"));
        Add("error", Text("error"));
        Add("progress", Value("progress") is double fraction ? $"{fraction.ToString("P0", CultureInfo.InvariantCulture)} {Text("progress_message")}".TrimEnd() : null);
        Add("attempts", $"{Text("attempts")} of {Text("max_attempts")}");
        Add("queue", Text("queue"));
        Add("priority", Text("priority"));
        Add("tenant", Text("tenant"));
        Add("executor", Text("executor_id"));
        Add("worker", Text("worker_id"));
        Add("created", Moment("created_at"));
        Add("next run", Moment("next_run_at"));
        Add("started", Moment("started_at"));
        Add("finished", Moment("finished_at"));
        Add("expires", Moment("expires_at"));
        Add("key", Text("idempotency_key"));
        Add("concurrency", Text("concurrency_key") is { } key ? $"{key}, {Text("concurrency_limit") ?? "1"} at once" : null);
        Add("trace", Text("trace_id"));
        Add("payload", Json("payload"));
        Add("result", Json("result"));
        terminal.Rich.Write(grid);

        object? Value(string name) => job.GetOrdinal(name) is var index && job.IsDBNull(index) ? null : job.GetValue(index);

        string? Text(string name) => Convert.ToString(Value(name), CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null;

        string? Moment(string name) => Value(name) is DateTime at ? RowView.Moment(at, time) : null;

        // For a person, so not in one line.
        string? Json(string name) => Text(name) is { } text ? JsonNode.Parse(text)?.ToJsonString(CogoJson.Indented) ?? "null" : null;

        string? WaitsFor() => Text("waits_for") switch
        {
            null => null,
            "type" => $"a worker that knows the type {Text("type")}",
            "concurrency" => $"another job with the concurrency key {Text("concurrency_key")} to end",
            "paused" => $"its queue to go on: cogo resume queue {Text("queue")}",
            var other => other,
        };

        void Add(string label, string? text)
        {
            if (text is not null)
            {
                grid.AddRow(new Text(label, new Style(decoration: Decoration.Bold)), new Text(Terminal.Clean(text)));
            }
        }
    }
}
