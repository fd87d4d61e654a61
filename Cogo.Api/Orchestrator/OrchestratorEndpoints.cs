using System.ComponentModel;
using Cogo.Api.Pipeline;
using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Api.Workflows;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Cogo.Core.Workflows;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Orchestrator;

/// <summary><c>/api/orchestrator/**</c>: from an intent to a plan, what goes on, and requests for the dispatcher.</summary>
internal static class OrchestratorEndpoints
{
    public static void MapOrchestrator(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/api/orchestrator").WithTags("Orchestrator");
        group.MapPost("/plan", PlanAsync)
            .WithName("plan")
            .WithSummary("From an intent to a plan")
            .WithDescription("Says which workflow does what is wanted, and why each of its steps. By a model where one is configured (OPENAI_MODEL, …) and its plan holds against the schema `configs/plan.schema.json`; else by the templates, and `fallback` says why. Starts nothing and stores nothing: POST `execute.body` to `execute.path` to do it.")
            .TakesSubmission<PlanRequest>()
            .ChangesNothing()
            .WithExamples(OrchestratorExamples.PlanRequest, StatusCodes.Status200OK, OrchestratorExamples.Plan);
        group.MapGet("/state", StateAsync)
            .WithName("orchestratorState")
            .WithSummary("What goes on")
            .WithDescription("Runs and running steps by kind, who reads the routes of the pipeline, and which workflows can be run here and now.")
            .WithExamples(null, StatusCodes.Status200OK, OrchestratorExamples.State);
        group.MapPost("/execute", ExecuteAsync)
            .WithName("execute")
            .WithSummary("Send a request to the dispatcher")
            .WithDescription("Puts the request on `orchestrator/execute/0` and answers at once; the dispatcher relays it to `target`. What it refuses is audited as execute_failed under the trace.")
            .TakesSubmission<OrchestratorExecuteRequest>()
            .WithExamples(OrchestratorExamples.ExecuteRequest, StatusCodes.Status202Accepted, ApiExamples.CodeBuildTestAccepted);
    }

    private static async Task<Results<Ok<PlanAnswer>, ProblemHttpResult>> PlanAsync(
        PlanRequest request, ModelPlanner model, TemplateAvailability templates, CancellationToken cancellationToken)
    {
        var engine = PlanValidation.EngineOf(request);
        var errors = PlanValidation.Check(request, engine);
        if (errors.Count > 0)
        {
            return Problem.Invalid(errors);
        }

        var canIndex = (await templates.CountAsync(cancellationToken))(Route.Indexing) > 0;
        // What a patch is cannot be put in other words.
        var ask = request.Planner != PlanValidation.TemplatePlanner && model.Model is not null && engine != RequestRules.PatchEngine;
        var (planned, fallback) = ask ? await model.PlanAsync(request, engine, canIndex, cancellationToken) : (null, null);
        var plan = planned ?? PlanDraft.ByTemplate(request, engine, canIndex);
        var body = new WorkflowExecuteRequest
        {
            Template = plan.Template.Name,
            Repo = request.Repo,
            Base = request.Base,
            Engine = engine,
            Patch = request.Patch,
            Command = request.Command,
            Task = engine == RequestRules.PatchEngine ? null : plan.Task,
            MaxRepairs = WorkflowTemplate.CanRepair(engine) ? plan.MaxRepairs ?? WorkflowStart.DefaultRepairs : 0,
        };
        var steps = plan.Template.Steps.Select((step, i) => new PlanStep(i + 1, step.Name, step.Route.ToString(), plan.StepReasons[i]));
        return TypedResults.Ok(new PlanAnswer(
            planned is null ? PlanValidation.TemplatePlanner : PlanValidation.ModelPlanner, planned is null ? null : model.Model, fallback, plan.Template.Name, plan.Reason, [.. steps],
            new PlanExecution(HttpMethods.Post, "/api/workflows/execute", body)));
    }

    private static async Task<Ok<OrchestratorState>> StateAsync(
        WorkflowReader runs, TemplateAvailability templates, ModelPlanner model, TimeProvider time, CancellationToken cancellationToken)
    {
        var counts = await runs.CountAsync(time.GetUtcNow() - TimeSpan.FromDays(1), cancellationToken);
        var workers = await templates.CountAsync(cancellationToken);
        var available = (await templates.ListAsync(cancellationToken)).Where(template => template.Available).Select(template => template.Name);
        Route[] routes = [Route.Execute, .. StepKind.All.Select(step => step.Route), Route.Workflow];
        return TypedResults.Ok(new OrchestratorState(
            counts.Runs, counts.Steps, [.. routes.Select(route => new OrchestratorRoute(route.ToString(), workers(route)))], [.. available], model.Model));
    }

    private static async Task<Results<Accepted<CodeBuildTestAccepted>, ProblemHttpResult>> ExecuteAsync(
        OrchestratorExecuteRequest request,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Description)] string? idempotencyKey,
        IPublisher publisher,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var payload = PipelineSubmission.Change(request, request.TaskId ?? PipelineSubmission.NewTaskId(idempotencyKey, time)) with
        {
            Target = request.Target ?? Route.Codegen.ToString(),
            Next = request.Next,
            Change = request.Change,
        };
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!Route.TryParse(payload.Target, out var target))
        {
            errors["target"] = $"target is a route: write service/role/shard, for example {Route.Codegen}.";
        }

        PlanValidation.CheckDelivery(request, errors);
        foreach (var (field, sentence) in CodeBuildTestValidation.Check(payload, target, idempotencyKey))
        {
            errors.TryAdd(field, sentence);
        }

        if (errors.Count > 0)
        {
            return Problem.Invalid(errors);
        }

        var message = OutgoingMessage.Of(Route.Execute, payload) with
        {
            Tenant = request.Tenant,
            Priority = request.Priority,
            MaxAttempts = request.MaxAttempts,
            TimeToLive = request.TtlSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        };
        return await PipelineSubmission.PublishAsync(publisher, message, "execute", request, idempotencyKey, payload.TaskId!, cancellationToken);
    }
}
