namespace Cogo.Benchmarks;

/// <summary>What a contestant is asked to do in one round.</summary>
internal enum WorkloadKind
{
    /// <summary>Append messages, nobody reads.</summary>
    Publish,

    /// <summary>Publish while a worker handles and acknowledges; ends at the last durable acknowledgement.</summary>
    EndToEnd,

    /// <summary>Fill a backlog, then drain its front.</summary>
    Backlog,

    /// <summary>Publish at a fixed rate and time each message to its handler.</summary>
    Latency,
}

/// <summary>One round's amount of work; all contestants of a case get the same.</summary>
internal sealed record Workload
{
    public required WorkloadKind Kind { get; init; }

    /// <summary>Messages within the clock.</summary>
    public int Messages { get; init; }

    /// <summary>Messages before the clock starts: code is compiled, plans and pages are cached.</summary>
    public int Warmup { get; init; } = 5_000;

    /// <summary>Messages a publishing statement.</summary>
    public int Batch { get; init; } = 500;

    /// <summary>Publishers at once.</summary>
    public int Publishers { get; init; } = 3;

    /// <summary>Worker processes; the first one also publishes.</summary>
    public int Workers { get; init; } = 1;

    public int PayloadBytes { get; init; } = 100;

    /// <summary>Messages that stand in the queue when draining starts.</summary>
    public int Backlog { get; init; }

    /// <summary>After so long a peer is stopped, and its figure is of what it drained until then.</summary>
    public double DrainLimitSeconds { get; init; }

    /// <summary>Messages a second, of the latency case.</summary>
    public double Rate { get; init; }

    public double Seconds { get; init; }

    /// <summary>Of the latency case: the publisher knows nothing of the subscriber, as in another process. Of peers this is always so.</summary>
    public bool Apart { get; init; }

    /// <summary>The same code at work, for some seconds.</summary>
    public Workload ToWarmUp() => Kind switch
    {
        WorkloadKind.Backlog => this with { Backlog = Math.Min(Backlog, 10_000) },
        WorkloadKind.Latency => this with { Rate = Contestants.OpenLoop.WarmupRate, Seconds = Contestants.OpenLoop.WarmupSeconds },
        _ => this,
    };

    /// <summary>Of those whose processes are others each time: the server has met their statements, tables and pages.</summary>
    public Workload ToWarmUpOthers() => this with { Messages = Messages / 4 };
}
