using System.Text.Json;
using Cogo.Core.Database;
using Npgsql;

namespace Cogo.Core.Workflows;

/// <summary>Runs, newest first. <paramref name="NextCursor"/> asks for the next page; null on the last one.</summary>
public sealed record WorkflowPage(IReadOnlyList<WorkflowRun> Runs, string? NextCursor);

/// <summary>An event of a run, or what a step says while it works.</summary>
/// <param name="Seq">Number within the run, from 1 and without gaps; null for progress, which has none.</param>
/// <param name="Id">Id of the row of <c>bus_events</c> for progress; 0 for numbered events.</param>
public sealed record WorkflowEvent(int? Seq, long Id, string Type, DateTimeOffset At, JsonElement Data);

/// <summary>Counts of what runs and what came of it.</summary>
/// <param name="Runs">Runs by status: all that run, and those of the last day that have ended.</param>
/// <param name="Steps">Running steps by name, and since when the oldest of them runs.</param>
public sealed record WorkflowCounts(IReadOnlyDictionary<string, long> Runs, IReadOnlyList<RunningSteps> Steps);

/// <summary>Steps of one kind that are on the bus or are being worked on.</summary>
public sealed record RunningSteps(string Name, long Count, DateTimeOffset OldestSince);

/// <summary>Reads runs of workflows.</summary>
public sealed class WorkflowReader(NpgsqlDataSource database)
{
    /// <summary>Most events of one answer.</summary>
    public const int EventLimit = 500;

    private const string Cursors = "runs";

    private static readonly string ReadRun = SqlQuery.Load("read_workflow_run");
    private static readonly string ReadSteps = SqlQuery.Load("read_workflow_steps");
    private static readonly string ListRuns = SqlQuery.Load("list_workflow_runs");
    private static readonly string ReadEvents = SqlQuery.Load("read_workflow_events");
    private static readonly string ReadProgress = SqlQuery.Load("read_workflow_progress");
    private static readonly string ReadState = SqlQuery.Load("read_workflow_state");
    private static readonly string StepWanted = SqlQuery.Load("workflow_step_wanted");

    /// <summary>The run with its steps as of one moment; null when there is none.</summary>
    public async Task<WorkflowRun?> FindAsync(string runId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        // One snapshot for both: no step of a run that another transaction is ending just now.
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        WorkflowRun run;
        await using (var read = new NpgsqlCommand(ReadRun, connection, transaction).With(runId))
        await using (var reader = await read.ExecuteReaderAsync(cancellationToken))
        {
            if (!await reader.ReadAsync(cancellationToken))
            {
                return null;
            }

            run = WorkflowRows.Run(reader);
        }

        var steps = new List<WorkflowStep>();
        await using var readSteps = new NpgsqlCommand(ReadSteps, connection, transaction).With(runId);
        await using var stepReader = await readSteps.ExecuteReaderAsync(cancellationToken);
        while (await stepReader.ReadAsync(cancellationToken))
        {
            steps.Add(WorkflowRows.Step(stepReader));
        }

        return run with { Steps = steps };
    }

    /// <summary>Where a run stands and the number of its newest event; null when there is none. Cheap enough to be asked again and again.</summary>
    public async Task<(RunStatus Status, int LastEvent)?> LookAsync(string runId, CancellationToken cancellationToken)
    {
        await using var look = database.CreateCommand("select status, last_event from public.workflow_runs where run_id = $1").With(runId);
        await using var reader = await look.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (Enum.Parse<RunStatus>(reader.GetString(0), ignoreCase: true), reader.GetInt32(1)) : null;
    }

    /// <summary>Without steps, and without patch, command and task of the request.</summary>
    /// <param name="cursor">The <see cref="WorkflowPage.NextCursor"/> of the page before.</param>
    /// <exception cref="CursorException">The cursor is not one of this list.</exception>
    public async Task<WorkflowPage> ListAsync(RunStatus? status, string? template, string? cursor, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        var before = PageCursor.Read(cursor, Cursors, 1)?[0];
        if (before is not null && !WorkflowIds.IsRunId(before))
        {
            throw new CursorException();
        }

        await using var list = database.CreateCommand(ListRuns).With(status is { } wanted ? WorkflowRows.Word(wanted) : null).With(template).With(before).With(limit + 1L);
        await using var reader = await list.ExecuteReaderAsync(cancellationToken);
        var runs = new List<WorkflowRun>();
        while (await reader.ReadAsync(cancellationToken))
        {
            runs.Add(WorkflowRows.Run(reader));
        }

        // One row more than asked for says that there is another page.
        if (runs.Count <= limit)
        {
            return new WorkflowPage(runs, null);
        }

        runs.RemoveAt(limit);
        return new WorkflowPage(runs, PageCursor.Write(Cursors, runs[^1].RunId));
    }

    /// <summary>Numbered events after <paramref name="afterSeq"/>, in order, at most <see cref="EventLimit"/>.</summary>
    public async Task<IReadOnlyList<WorkflowEvent>> EventsAsync(string traceId, string runId, int afterSeq, CancellationToken cancellationToken)
    {
        await using var read = database.CreateCommand(ReadEvents).With(traceId).With(runId).With(afterSeq).With((long)EventLimit);
        return await RowsAsync(read, reader => new WorkflowEvent(reader.GetInt32(0), 0, reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(2), Json(reader)), cancellationToken);
    }

    /// <summary>What the steps say while they work, after event <paramref name="afterId"/>; at most <see cref="EventLimit"/>.</summary>
    public async Task<IReadOnlyList<WorkflowEvent>> ProgressAsync(string traceId, long afterId, CancellationToken cancellationToken)
    {
        await using var read = database.CreateCommand(ReadProgress).With(traceId).With(afterId).With((long)EventLimit);
        return await RowsAsync(read, reader => new WorkflowEvent(null, reader.GetInt64(0), reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(2), Json(reader)), cancellationToken);
    }

    /// <summary>Counts runs: those that run, and those begun after <paramref name="since"/>.</summary>
    public async Task<WorkflowCounts> CountAsync(DateTimeOffset since, CancellationToken cancellationToken)
    {
        var runs = new Dictionary<string, long>(StringComparer.Ordinal);
        var steps = new List<RunningSteps>();
        await using var read = database.CreateCommand(ReadState).With(WorkflowIds.From(since));
        await using var reader = await read.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            if (reader.GetString(0) == "run")
            {
                runs[reader.GetString(1)] = reader.GetInt64(2);
            }
            else
            {
                steps.Add(new RunningSteps(reader.GetString(1), reader.GetInt64(2), reader.GetFieldValue<DateTimeOffset>(3)));
            }
        }

        return new WorkflowCounts(runs, steps);
    }

    /// <summary>Whether a step still runs, as far as its run is concerned.</summary>
    public async Task<bool> IsWantedAsync(StepToken step, CancellationToken cancellationToken)
    {
        await using var ask = database.CreateCommand(StepWanted).With(step.RunId).With(step.Step);
        return await ask.ExecuteScalarAsync(cancellationToken) is true;
    }

    private static async Task<IReadOnlyList<WorkflowEvent>> RowsAsync(NpgsqlCommand read, Func<NpgsqlDataReader, WorkflowEvent> row, CancellationToken cancellationToken)
    {
        var events = new List<WorkflowEvent>();
        await using var reader = await read.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            events.Add(row(reader));
        }

        return events;
    }

    private static JsonElement Json(NpgsqlDataReader reader) => JsonSerializer.Deserialize<JsonElement>(reader.GetString(3));
}
