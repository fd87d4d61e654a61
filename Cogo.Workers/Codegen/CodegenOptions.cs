namespace Cogo.Workers.Codegen;

/// <summary>What holds for every engine. <see cref="CodegenSettings"/> maps the settings.</summary>
public sealed record CodegenOptions
{
    /// <summary>Longest that an engine may work on one task. <c>CODEGEN_TIMEOUT_SECONDS</c>.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Longest log that is kept, in bytes.</summary>
    public long LogLimitBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Shortest time between two progress events of one task.</summary>
    public TimeSpan ProgressInterval { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>Bounds of the command engine, beside the time that <see cref="CodegenOptions.Timeout"/> gives it.</summary>
public sealed record CommandEngineOptions
{
    /// <summary>Longest silence on both streams. <c>CODEGEN_COMMAND_SILENCE_SECONDS</c>.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Memory of the command and all it starts, in bytes. <c>CODEGEN_COMMAND_MEMORY_MB</c>.</summary>
    public long MemoryBytes { get; init; } = 4L * 1024 * 1024 * 1024;

    /// <summary>Both streams together, in bytes. <c>CODEGEN_COMMAND_OUTPUT_MB</c>.</summary>
    public long OutputBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Processes alive at once. <c>CODEGEN_COMMAND_PROCESSES</c>.</summary>
    public int Processes { get; init; } = 512;

    /// <summary>
    /// Variables of the worker that the command gets beside the harmless ones, such as the key of the agent's
    /// vendor. <c>CODEGEN_COMMAND_ENV</c>, names with commas between.
    /// </summary>
    public IReadOnlyList<string> PassedVariables { get; init; } = [];
}

/// <summary>The endpoint of the openai engine, and its bounds.</summary>
public sealed record OpenAiEngineOptions
{
    /// <summary><c>OPENAI_API_KEY</c>. An endpoint of one's own, such as Ollama, may need none.</summary>
    public string? ApiKey { get; init; }

    /// <summary><c>OPENAI_BASE_URL</c>, such as <c>http://localhost:11434/v1</c>. Default: OpenAI's own.</summary>
    public Uri? BaseUrl { get; init; }

    /// <summary><c>OPENAI_MODEL</c>.</summary>
    public string? Model { get; init; }

    /// <summary>Requests to the model for one task, repeated ones not counted. <c>CODEGEN_MAX_TURNS</c>.</summary>
    public int MaxTurns { get; init; } = 25;

    /// <summary>Input and output tokens of all turns together. <c>CODEGEN_MAX_TOKENS</c>.</summary>
    public long MaxTokens { get; init; } = 1_000_000;

    /// <summary>Longest silence of the endpoint, before and within an answer. <c>OPENAI_SILENCE_SECONDS</c>.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Times that one request is repeated within an attempt after 408, 429, 5xx or a lost connection. <c>OPENAI_MAX_RETRIES</c>.</summary>
    public int MaxRetries { get; init; } = 4;

    /// <summary>Pause before the first repetition; doubles from there, with jitter. A Retry-After goes before it.</summary>
    public TimeSpan RetryBaseDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A Retry-After beyond this hands the task back to the bus for that time instead of waiting here.</summary>
    public TimeSpan LongestRetryAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>US dollars for a million input tokens. <c>OPENAI_PRICE_INPUT</c>; without it the cost is not known.</summary>
    public decimal? InputPrice { get; init; }

    /// <summary>US dollars for a million output tokens. <c>OPENAI_PRICE_OUTPUT</c>; without it the cost is not known.</summary>
    public decimal? OutputPrice { get; init; }

    // The key must not reach a log through the record's own ToString.
    public override string ToString() => $"{Model} at {BaseUrl}";
}

/// <summary>Where the cogo-worker engine sends its tasks.</summary>
public sealed record CogoWorkerEngineOptions
{
    /// <summary><c>ENABLE_COGO_WORKER</c>: <c>true</c> or <c>false</c>.</summary>
    public bool Enabled { get; init; }

    /// <summary><c>COGO_WORKER_URL</c>: http or https, with the path.</summary>
    public Uri? Url { get; init; }

    /// <summary>Longest that one request may take. <c>COGO_WORKER_TIMEOUT_MS</c>.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Text of files that is sent along, in bytes of UTF-8; further files are only named. <c>COGO_WORKER_FILES_BYTES</c>.</summary>
    public int FilesBytes { get; init; } = 1024 * 1024;

    /// <summary>Longest answer, in bytes.</summary>
    public int AnswerBytes { get; init; } = 16 * 1024 * 1024;
}
