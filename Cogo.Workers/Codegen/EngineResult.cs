using Cogo.Core.Indexing;

namespace Cogo.Workers.Codegen;

/// <summary>How an engine ended.</summary>
public abstract record EngineResult
{
    private EngineResult()
    {
    }

    /// <summary>What it cost up to there, also where it failed.</summary>
    public EngineCost Cost { get; init; } = new();

    /// <summary>What the engine was told of the code index; null: nothing.</summary>
    public CodeContext? Context { get; init; }

    /// <summary>The change stands in the working copy.</summary>
    public sealed record Done : EngineResult;

    /// <summary>
    /// Doing the same again ends the same way. <paramref name="Code"/> is a short snake_case word,
    /// <paramref name="Reason"/> a sentence that says what to do, <paramref name="Verdict"/> whose fault it is.
    /// </summary>
    public sealed record Failed(string Code, string Reason, Verdict Verdict) : EngineResult;

    /// <summary>Something outside was at fault; another attempt may succeed, not before <paramref name="After"/> has passed when it is given.</summary>
    public sealed record TryAgain(string Reason, TimeSpan? After = null) : EngineResult;
}

/// <summary>What an engine used. Null: not known, which is not the same as nothing.</summary>
public sealed record EngineCost
{
    public string? Model { get; init; }

    public long? InputTokens { get; init; }

    public long? OutputTokens { get; init; }

    /// <summary>US dollars; known only where prices are configured or the engine tells.</summary>
    public decimal? CostUsd { get; init; }

    /// <summary>Requests answered by a model.</summary>
    public int? Turns { get; init; }
}
