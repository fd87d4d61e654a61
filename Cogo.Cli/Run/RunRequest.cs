using Cogo.Core.Pipeline;

namespace Cogo.Cli.Run;

/// <summary>The body of <c>POST /api/pipeline/codeBuildTest</c>, or with a template of <c>POST /api/workflows/execute</c>.</summary>
internal sealed record RunRequest
{
    /// <summary>Of a workflow; null: one pass of the pipeline.</summary>
    public string? Template { get; init; }

    public int? MaxRepairs { get; init; }

    public required string TaskId { get; init; }

    /// <summary>An absolute path or a git URL.</summary>
    public required string Repo { get; init; }

    public string? Base { get; init; }

    public required string Engine { get; init; }

    public string? Patch { get; init; }

    public string? Command { get; init; }

    public string? Task { get; init; }

    public string? Tenant { get; init; }

    public bool AllowDirty { get; init; }

    /// <summary>Refuses what no server would take, before one is looked for.</summary>
    /// <exception cref="InputException">Says each thing that is wrong.</exception>
    public void ThrowIfInvalid()
    {
        var payload = new PipelineRequest { TaskId = TaskId, Repo = Repo, Base = Base, Engine = Engine, Patch = Patch, Command = Command, Task = Task };
        var problems = RequestRules.Check(payload, Core.Bus.Route.Codegen);
        if (problems.Count > 0)
        {
            throw new InputException(string.Join(' ', problems.Select(problem => problem.Message)));
        }
    }
}
