using System.Text.Json;

namespace Cogo.Core.Pipeline;

/// <summary>
/// The payload that travels through dispatcher, codegen and build/test. A plain
/// <c>INSERT INTO agent_messages</c> with these fields runs the same pipeline as the API.
/// </summary>
public sealed record PipelineRequest
{
    /// <summary>Route the dispatcher relays to, for example <c>codegen/generate/0</c>.</summary>
    public string? Target { get; init; }

    /// <summary>Route the codegen worker publishes to when it is done, for example <c>code/build-test/0</c>; none: stop after codegen.</summary>
    public string? Next { get; init; }

    /// <summary>Names the folder of artifacts: 1–100 of <c>A-Z a-z 0-9 . _ -</c>. Default: made by the dispatcher from the message id.</summary>
    public string? TaskId { get; init; }

    /// <summary>A local path or a git URL, as the workers see it. A folder inside a repository means that part of it.</summary>
    public string? Repo { get; init; }

    /// <summary>Commit, branch or tag the change is made on. Default: HEAD. Set to the full commit id once resolved.</summary>
    public string? Base { get; init; }

    /// <summary><c>patch</c>, <c>command</c>, <c>openai</c> or <c>cogo-worker</c>.</summary>
    public string? Engine { get; init; }

    /// <summary>For <c>patch</c>: the unified diff.</summary>
    public string? Patch { get; init; }

    /// <summary>For <c>command</c>: the command line, run by the shell in the working copy.</summary>
    public string? Command { get; init; }

    /// <summary>For <c>openai</c> and <c>cogo-worker</c>: what to do, in words.</summary>
    public string? Task { get; init; }

    /// <summary>Go on although a local repository has changes that are not committed; they are not part of the work.</summary>
    public bool? AllowDirty { get; init; }

    /// <summary>Set by codegen for build/test: the artifact that holds the diff, and its SHA-256. With <see cref="Repair"/>: the change to go on from.</summary>
    public ChangeReference? Change { get; init; }

    /// <summary>What came of <see cref="Change"/>, for codegen to mend.</summary>
    public RepairOrder? Repair { get; init; }

    /// <summary>Who wants to know how it ended.</summary>
    public ReplyAddress? Reply { get; init; }

    /// <summary>Reads and checks the shape; <paramref name="problem"/> names the field that is wrong.</summary>
    public static PipelineRequest? TryRead(string payload, out string? problem)
    {
        try
        {
            var request = JsonSerializer.Deserialize<PipelineRequest>(payload, CogoJson.Options);
            problem = request is null ? "The payload is null: send a JSON object." : null;
            return request;
        }
        catch (JsonException e)
        {
            problem = $"The payload does not read as a pipeline request at {e.Path ?? "$"}: {e.Message}";
            return null;
        }
    }
}

/// <summary>The diff that codegen stored. Provenance goes into the report.</summary>
public sealed record ChangeReference
{
    public required string Path { get; init; }

    public required string Sha256 { get; init; }

    public required string BaseCommit { get; init; }

    public required string Engine { get; init; }

    public string? Model { get; init; }

    public long? InputTokens { get; init; }

    public long? OutputTokens { get; init; }

    public decimal? CostUsd { get; init; }
}

/// <summary>A red report to be mended.</summary>
/// <param name="Number">1 for the first repair.</param>
/// <param name="Report">Path of the artifact <c>report.json</c>.</param>
public sealed record RepairOrder(int Number, string Report);

/// <summary>Where the end of a message is told, in the transaction that ends it.</summary>
/// <param name="To">A route.</param>
/// <param name="Token">Comes back with the reply.</param>
public sealed record ReplyAddress(string To, string Token);
