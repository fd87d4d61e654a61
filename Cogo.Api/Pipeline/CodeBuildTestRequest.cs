using System.Text.Json.Serialization;

namespace Cogo.Api.Pipeline;

/// <summary>A change to make, build and test.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public record CodeBuildTestRequest
{
    /// <summary>An absolute path as the workers see it, or a git URL (https, ssh, file, or user@host:path) without a password. A folder inside a repository means that part of it.</summary>
    public string? Repo { get; init; }

    /// <summary>Commit, branch or tag the change is made on. Default: HEAD.</summary>
    public string? Base { get; init; }

    /// <summary><c>patch</c>, <c>command</c>, <c>openai</c> or <c>cogo-worker</c>.</summary>
    public string? Engine { get; init; }

    /// <summary>For engine <c>patch</c>: the unified diff.</summary>
    public string? Patch { get; init; }

    /// <summary>For engine <c>command</c>: the command line, run by the shell in a working copy.</summary>
    public string? Command { get; init; }

    /// <summary>For engines <c>openai</c> and <c>cogo-worker</c>: what to do, in words.</summary>
    public string? Task { get; init; }

    /// <summary>Names the folder of artifacts: 1 to 100 of A-Z a-z 0-9 . _ - that start with a letter or a digit. Default: a new one.</summary>
    public string? TaskId { get; init; }

    /// <summary>Whose task it is: 1 to 200 characters. Figures can be narrowed down to it.</summary>
    public string? Tenant { get; init; }

    /// <summary>Go on although the local repository has changes that are not committed; they are not part of the work. Default: false.</summary>
    public bool AllowDirty { get; init; }
}

/// <summary>The request is on the bus and will be worked on, whatever happens to this server.</summary>
/// <param name="TaskId">Folder of the task's artifacts.</param>
/// <param name="TraceId">Everything that happens to the task is under this trace: 32 hex digits.</param>
/// <param name="MessageId">Id of the message in agent_messages.</param>
/// <param name="Duplicate">The Idempotency-Key was seen before: this is the earlier request's receipt, and nothing new was started.</param>
/// <param name="Links">Where to look next.</param>
public sealed record CodeBuildTestAccepted(string TaskId, string TraceId, long MessageId, bool Duplicate, CodeBuildTestLinks Links);

/// <summary>Paths on this server.</summary>
/// <param name="Trace">The timeline of the task.</param>
/// <param name="Artifacts">The list of its artifacts.</param>
public sealed record CodeBuildTestLinks(string Trace, string Artifacts);
