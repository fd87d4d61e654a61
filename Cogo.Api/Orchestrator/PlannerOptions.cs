namespace Cogo.Api.Orchestrator;

/// <summary>The model that plans: the endpoint of the openai engine, where one is configured.</summary>
internal sealed record PlannerOptions
{
    /// <summary><c>OPENAI_API_KEY</c>.</summary>
    public string? ApiKey { get; init; }

    /// <summary><c>OPENAI_BASE_URL</c>. Default: OpenAI's own.</summary>
    public Uri? BaseUrl { get; init; }

    /// <summary><c>OPENAI_MODEL</c>; without it no model plans.</summary>
    public string? Model { get; init; }

    /// <summary>Longest that a plan may take; the request waits for it.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Whether there is a model to ask.</summary>
    public bool IsConfigured => Model is not null && (ApiKey is not null || BaseUrl is not null);

    /// <exception cref="FormatException">A setting cannot be read; the message names it.</exception>
    public static PlannerOptions Read(IConfiguration configuration)
    {
        string? Text(string name) => configuration[name]?.Trim() is { Length: > 0 } text ? text : null;
        return new PlannerOptions
        {
            ApiKey = Text("OPENAI_API_KEY"),
            Model = Text("OPENAI_MODEL"),
            BaseUrl = Text("OPENAI_BASE_URL") switch
            {
                null => null,
                var text when Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" => address,
                // Not repeated here: a URL may hold a password.
                _ => throw new FormatException("OPENAI_BASE_URL is not a URL: set it to http://host:port/path or https://host/path."),
            },
        };
    }

    // The key must not reach a log through the record's own ToString.
    public override string ToString() => $"{Model} at {BaseUrl}";
}
