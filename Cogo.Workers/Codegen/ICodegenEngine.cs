using Cogo.Core.Workspaces;

namespace Cogo.Workers.Codegen;

/// <summary>Makes a change in a working copy. What differs from the base afterwards is the change.</summary>
public interface ICodegenEngine
{
    /// <summary>The word in <see cref="PipelineRequest.Engine"/>.</summary>
    string Name { get; }

    /// <summary>Works until the change is made, cannot be made, or a limit is reached.</summary>
    /// <exception cref="WorkspaceException">The working copy refused something; its code and verdict say whose fault it is.</exception>
    /// <exception cref="OperationCanceledException">The lease is lost or the worker stops: nothing of the change counts.</exception>
    Task<EngineResult> RunAsync(EngineContext context, CancellationToken cancellationToken);
}

/// <summary>What an engine works with.</summary>
public sealed record EngineContext
{
    /// <summary>A fresh checkout of the base that no one else uses.</summary>
    public required WorkingCopy Copy { get; init; }

    public required PipelineRequest Request { get; init; }

    public required string TaskId { get; init; }

    /// <summary>32 hex digits.</summary>
    public required string TraceId { get; init; }

    /// <summary>Kept as the artifact <c>codegen.log</c>.</summary>
    public required CodegenLog Log { get; init; }

    /// <summary>Tells those who watch what is being done, in a short line; may be called often, from any thread.</summary>
    public required Action<string> Progress { get; init; }
}
