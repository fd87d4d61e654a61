using System.Text.Json;

namespace Cogo.Core.Jobs;

/// <summary>A job to enqueue. Everything but the type has a default.</summary>
/// <param name="Type">What is to be done, such as <c>http.get</c>: 1–63 characters of <c>a-z 0-9 . _ -</c>.</param>
/// <param name="Payload">A JSON document that the handler understands, as text.</param>
public sealed record JobRequest(string Type, string Payload = "{}")
{
    /// <summary>Serializes <paramref name="payload"/> with Cogo's JSON conventions (snake_case, nulls left out).</summary>
    public static JobRequest Of<T>(string type, T payload) => new(type, JsonSerializer.Serialize(payload, CogoJson.Options));

    public string Queue { get; init; } = JobRoute.DefaultQueue;

    /// <summary>Only workers with this EXECUTOR_ID run it. Default: any worker of the queue.</summary>
    public string? ExecutorId { get; init; }

    /// <summary>Higher goes first; 0 is ordinary. Between -100 and 100.</summary>
    public int Priority { get; init; }

    /// <summary>Attempts before it is given up; 1 or more. Default: the database's, 5.</summary>
    public int? MaxAttempts { get; init; }

    /// <summary>Not run before this much time has passed on the database's clock.</summary>
    public TimeSpan? Delay { get; init; }

    /// <summary>Given up as <c>expired</c> when not begun within this time.</summary>
    public TimeSpan? TimeToLive { get; init; }

    /// <summary>A second job with this key in the same queue is not enqueued; its receipt names the first.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Whose job it is. Tenants of a queue take turns.</summary>
    public string? Tenant { get; init; }

    /// <summary>At most <see cref="ConcurrencyLimit"/> jobs with this key run at once, on all workers together.</summary>
    public string? ConcurrencyKey { get; init; }

    public int ConcurrencyLimit { get; init; } = 1;

    /// <summary>32 lowercase hex digits, a W3C trace id. Default: the current activity's, else a new one.</summary>
    public string? TraceId { get; init; }
}

/// <summary>A job that was enqueued. <paramref name="Duplicate"/>: its idempotency key was known, and the id is the first job's.</summary>
public sealed record JobReceipt(long Id, string TraceId, bool Duplicate);
