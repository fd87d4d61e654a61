namespace Cogo.Workers.Jobs.Pipeline;

/// <summary>Payload of <c>pipeline.run</c>: the fields of <c>POST /api/pipeline/codeBuildTest</c>.</summary>
internal sealed record PipelinePayload
{
    public required string Repo { get; init; }

    public string? Base { get; init; }

    public required string Engine { get; init; }

    public string? Patch { get; init; }

    public string? Command { get; init; }

    public string? Task { get; init; }

    public bool AllowDirty { get; init; }

    public PipelineRequest Request(string taskId) => new()
    {
        Target = Route.Codegen.ToString(),
        Next = Route.BuildTest.ToString(),
        TaskId = taskId,
        Repo = Repo,
        Base = Base,
        Engine = Engine,
        Patch = Patch,
        Command = Command,
        Task = Task,
        AllowDirty = AllowDirty ? true : null,
    };
}
