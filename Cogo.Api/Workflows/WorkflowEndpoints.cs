using System.ComponentModel;
using Cogo.Api.Paging;
using Cogo.Api.Pipeline;
using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Core.Gates;
using Cogo.Core.Pipeline;
using Cogo.Core.Workflows;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Workflows;

/// <summary><c>/api/workflows/**</c>: runs that live in the database and go on by messages alone.</summary>
internal static class WorkflowEndpoints
{
    private static readonly PageSize Page = new(50, 500);

    private const int LongestTaskId = 90;
    private const int LongestReason = 500;
    private const string Id = "The id of a run.";

    public static void MapWorkflows(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/api/workflows").WithTags("Workflows");
        group.MapGet("/templates", TemplatesAsync)
            .WithName("workflowTemplates")
            .WithSummary("The workflows there are")
            .WithDescription("Each with its steps, and whether it can be run here and now.")
            .WithExamples(null, StatusCodes.Status200OK, WorkflowExamples.Templates);
        group.MapPost("/execute", ExecuteAsync)
            .WithName("executeWorkflow")
            .WithSummary("Run a workflow")
            .WithDescription("Starts a durable run: its state is in the database, its steps are messages on the bus, and it goes on whichever process dies. On a red report codegen gets the failures and tries again, at most `max_repairs` times, each attempt in the same trace. Follow `links.events`, or ask `links.run`.")
            .TakesSubmission<WorkflowExecuteRequest>()
            .ProducesProblem(StatusCodes.Status409Conflict)
            .WithExamples(WorkflowExamples.ExecuteRequest, StatusCodes.Status202Accepted, WorkflowExamples.Accepted);
        group.MapGet("", ListAsync)
            .WithName("workflows")
            .WithSummary("Runs, newest first")
            .WithDescription("Pass `next_cursor` as `cursor` to see the next page.")
            .WithParameter("status", "Only runs of this status.", ParameterExtensions.OneOf(Enum.GetNames<RunStatus>().Select(name => name.ToLowerInvariant())))
            .WithParameter("template", "Only runs of this template.", ParameterExtensions.OneOf(WorkflowTemplate.All.Select(template => template.Name)))
            .Paged(Page)
            .WithExamples(null, StatusCodes.Status200OK, WorkflowExamples.Listing);
        group.MapGet("/gate", GateAsync)
            .WithName("workflowGate")
            .WithSummary("Is the result of a run good enough?")
            .WithDescription("The gate at the end of a run: every rule with what was expected, what is, and why. `unknown` where nothing was tested or the run has not ended: not a pass.")
            .WithRequiredParameter("run_id", "The run whose gate is asked.", WorkflowExamples.RunId)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithExamples(null, StatusCodes.Status200OK, WorkflowExamples.Gate);
        group.MapGet("/{id}", ShowAsync)
            .WithName("workflow")
            .WithSummary("One run with its steps")
            .WithDescription("As of one moment. All steps that were begun are there, those of earlier attempts too; `artifacts` lists what each left behind.")
            .WithRequiredParameter("id", Id, WorkflowExamples.RunId)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithExamples(null, StatusCodes.Status200OK, WorkflowExamples.Run);
        group.MapPost("/{id}/cancel", CancelAsync)
            .WithName("cancelWorkflow")
            .WithSummary("End a run")
            .WithDescription("The worker that is at its step ends it within seconds; what it brings counts for nothing. Safe to send again.")
            .WithRequiredParameter("id", Id, WorkflowExamples.RunId)
            .WithParameter("reason", $"Why, for those who look at the run later: up to {LongestReason} characters.", example: "Not needed any more.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .WithExamples(null, StatusCodes.Status200OK, WorkflowExamples.Cancelled);
        group.MapPost("/{id}/retry", RetryAsync)
            .WithName("retryWorkflow")
            .WithSummary("Let a run that has not passed go on from a step")
            .WithDescription("A new attempt under the same run and trace, with its whole bound of repairs. What the steps before `from` made is used as it is: `build-test` tests the last change again.")
            .WithRequiredParameter("id", Id, WorkflowExamples.RunId)
            .WithParameter("from", "A step of its template. Default: the step it ended at.", ParameterExtensions.OneOf(StepKind.All.Select(step => step.Name)))
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .WithExamples(null, StatusCodes.Status200OK, WorkflowExamples.Run);
        group.MapWorkflowEvents();
    }

    private static async Task<Ok<WorkflowTemplates>> TemplatesAsync(TemplateAvailability templates, CancellationToken cancellationToken) =>
        TypedResults.Ok(new WorkflowTemplates(await templates.ListAsync(cancellationToken)));

    private static async Task<Results<Accepted<WorkflowAccepted>, ProblemHttpResult>> ExecuteAsync(
        WorkflowExecuteRequest request,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Description)] string? idempotencyKey,
        WorkflowEngine engine,
        TemplateAvailability templates,
        CancellationToken cancellationToken)
    {
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        var template = Check(request, idempotencyKey, errors);
        if (errors.Count > 0)
        {
            return Problem.Invalid(errors);
        }

        if (await templates.ProblemAsync(template!, cancellationToken) is { } problem)
        {
            return Problem.Of(StatusCodes.Status409Conflict, "no_worker", problem);
        }

        var start = new WorkflowStart(template!, Request(request), request.MaxRepairs ?? WorkflowStart.DefaultRepairs, request.Tenant);
        var answer = await engine.StartAsync(start, idempotencyKey, cancellationToken);
        if (answer.Change == RunChange.KeyReused)
        {
            return Problem.Of(StatusCodes.Status422UnprocessableEntity, "idempotency_key_reused", answer.Reason!);
        }

        var run = answer.Run!;
        var links = WorkflowLinks.Of(run);
        return TypedResults.Accepted(links.Run, new WorkflowAccepted(run.RunId, run.TraceId, run.TaskId, run.Status, answer.Duplicate, links));
    }

    private static async Task<Results<Ok<WorkflowListing>, ProblemHttpResult>> ListAsync(
        [FromQuery(Name = "status")] string? statusText,
        [FromQuery(Name = "template")] string? template,
        [AsParameters] PageQuery asked,
        WorkflowReader runs,
        CancellationToken cancellationToken)
    {
        var problems = new Dictionary<string, string>(StringComparer.Ordinal);
        RunStatus? status = null;
        if (statusText is not null)
        {
            if (statusText.All(char.IsAsciiLetterLower) && Enum.TryParse<RunStatus>(statusText, ignoreCase: true, out var wanted))
            {
                status = wanted;
            }
            else
            {
                problems["status"] = $"status is one of {string.Join(", ", Enum.GetNames<RunStatus>().Select(name => name.ToLowerInvariant()))}.";
            }
        }

        if (template is not null && WorkflowTemplate.Find(template) is null)
        {
            problems["template"] = NoTemplate();
        }

        return await asked.AnswerAsync(Page, problems, async (limit, cursor) =>
        {
            var page = await runs.ListAsync(status, template, cursor, limit, cancellationToken);
            return new WorkflowListing([.. page.Runs.Select(run => WorkflowView.Of(run, withSteps: false))], page.NextCursor);
        });
    }

    private static async Task<Results<Ok<WorkflowView>, ProblemHttpResult>> ShowAsync(string id, WorkflowReader runs, CancellationToken cancellationToken) =>
        !WorkflowIds.IsRunId(id) ? NotAnId("id")
        : await runs.FindAsync(id, cancellationToken) is { } run ? TypedResults.Ok(WorkflowView.Of(run, withSteps: true))
        : NotFound(id);

    private static async Task<Results<Ok<WorkflowGateAnswer>, ProblemHttpResult>> GateAsync(
        [FromQuery(Name = "run_id")] string? runId, WorkflowReader runs, CancellationToken cancellationToken)
    {
        if (!WorkflowIds.IsRunId(runId))
        {
            return NotAnId("run_id");
        }

        if (await runs.FindAsync(runId!, cancellationToken) is not { } run)
        {
            return NotFound(runId!);
        }

        var reason = run.Status == RunStatus.Running ? "The run has not ended." : run.Gate is null ? $"{run.Template} tests nothing, so it has no gate." : run.Reason;
        return TypedResults.Ok(new WorkflowGateAnswer(run.RunId, run.Status, run.Gate?.Verdict ?? GateVerdict.Unknown, reason, run.Gate?.Rules ?? []));
    }

    private static async Task<Results<Ok<WorkflowView>, ProblemHttpResult>> CancelAsync(
        string id,
        [FromQuery(Name = "reason")] string? reason,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Description)] string? idempotencyKey,
        WorkflowEngine engine,
        CancellationToken cancellationToken)
    {
        if (!WorkflowIds.IsRunId(id))
        {
            return NotAnId("id");
        }

        if (IdempotencyKey.Problem(idempotencyKey) is { } wrong)
        {
            return Problem.Invalid(IdempotencyKey.Header, wrong);
        }

        if (reason is not null && (reason.Length is 0 or > LongestReason || reason.Any(char.IsControl)))
        {
            return Problem.Invalid("reason", $"reason has 1 to {LongestReason} characters, and none that control a terminal.");
        }

        return Changed(id, await engine.CancelAsync(id, reason ?? "Cancelled on request.", idempotencyKey, cancellationToken));
    }

    private static async Task<Results<Ok<WorkflowView>, ProblemHttpResult>> RetryAsync(
        string id,
        [FromQuery(Name = "from")] string? from,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Description)] string? idempotencyKey,
        WorkflowEngine engine,
        CancellationToken cancellationToken)
    {
        if (!WorkflowIds.IsRunId(id))
        {
            return NotAnId("id");
        }

        if (IdempotencyKey.Problem(idempotencyKey) is { } wrong)
        {
            return Problem.Invalid(IdempotencyKey.Header, wrong);
        }

        return from is not null && StepKind.Find(from) is null
            ? Problem.Invalid("from", $"from is one of {string.Join(", ", StepKind.All.Select(step => step.Name))}.")
            : Changed(id, await engine.RetryAsync(id, from, idempotencyKey, cancellationToken));
    }

    private static Results<Ok<WorkflowView>, ProblemHttpResult> Changed(string id, RunAnswer answer) => answer.Change switch
    {
        RunChange.Done => TypedResults.Ok(WorkflowView.Of(answer.Run!, withSteps: true)),
        RunChange.NotFound => NotFound(id),
        RunChange.KeyReused => Problem.Of(StatusCodes.Status422UnprocessableEntity, "idempotency_key_reused", answer.Reason!),
        _ => Problem.Of(StatusCodes.Status409Conflict, "wrong_state", answer.Reason!),
    };

    /// <summary>The template, and what is wrong with the rest.</summary>
    private static WorkflowTemplate? Check(WorkflowExecuteRequest request, string? idempotencyKey, Dictionary<string, string> errors)
    {
        var template = WorkflowTemplate.Find(request.Template);
        if (template is null)
        {
            errors["template"] = request.Template is null ? $"template is missing. {NoTemplate()}" : NoTemplate();
        }

        foreach (var (field, sentence) in CodeBuildTestValidation.Check(Request(request), template?.MakesChange == false ? Route.Indexing : Route.Codegen, idempotencyKey))
        {
            errors.TryAdd(field, sentence);
        }

        if (template is { MakesChange: false })
        {
            foreach (var (field, value) in new[] { ("engine", request.Engine), ("patch", request.Patch), ("command", request.Command), ("task", request.Task) })
            {
                if (value is not null)
                {
                    errors[field] = $"{field} is for templates that make a change, and {template.Name} makes none: leave it out.";
                }
            }
        }

        if (request.TaskId?.Length > LongestTaskId)
        {
            errors.TryAdd("task_id", $"task_id has {request.TaskId.Length} characters, and {LongestTaskId} are allowed.");
        }

        if (request.MaxRepairs is < 0 or > WorkflowStart.MostRepairs)
        {
            errors["max_repairs"] = $"max_repairs is a whole number from 0 to {WorkflowStart.MostRepairs}.";
        }

        CodeBuildTestValidation.CheckTenant(request.Tenant, errors);
        return template;
    }

    private static PipelineRequest Request(WorkflowExecuteRequest request) => new()
    {
        TaskId = request.TaskId,
        Repo = request.Repo,
        Base = request.Base,
        Engine = request.Engine,
        Patch = request.Patch,
        Command = request.Command,
        Task = request.Task,
        AllowDirty = request.AllowDirty ? true : null,
    };

    private static string NoTemplate() => $"template is one of {string.Join(", ", WorkflowTemplate.All.Select(template => template.Name))}.";

    internal static ProblemHttpResult NotAnId(string field) => Problem.Invalid(field, $"{field} is the id of a run: run- and 32 hex digits, as the run was answered with.");

    internal static ProblemHttpResult NotFound(string id) =>
        Problem.Of(StatusCodes.Status404NotFound, "workflow_not_found", $"There is no run {id}. GET /api/workflows lists those there are.");
}
