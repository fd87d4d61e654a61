namespace Cogo.Workers.Jobs.Notify;

/// <summary>The kinds of webhook.</summary>
public enum WebhookKind
{
    GitHub,
    Slack,
    Http,
    GoogleChat,
}

/// <summary>Where notifications go. Addresses and tokens are secrets: they are in no payload, result or log.</summary>
public sealed record NotifyOptions
{
    /// <summary>Null: <c>notify.webhook</c> jobs fail and say so.</summary>
    public WebhookKind? Kind { get; init; }

    public string? GitHubOwner { get; init; }

    public string? GitHubRepo { get; init; }

    /// <summary>May read and write issues of the repository.</summary>
    public string? GitHubToken { get; init; }

    public Uri GitHubApi { get; init; } = new("https://api.github.com");

    /// <summary>Of Slack, Google Chat or any other receiver, as <see cref="Kind"/> says.</summary>
    public Uri? Address { get; init; }

    /// <summary>Signs what goes to an <c>http</c> receiver; null: unsigned.</summary>
    public string? SigningSecret { get; init; }

    /// <summary>Where readers reach the API, for links to pictures; null: none are laid.</summary>
    public Uri? PublicAddress { get; init; }

    /// <summary>One request, to the last byte of its answer.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Values that must never be in a text that leaves.</summary>
    public IReadOnlyList<string> Secrets { get; init; } = [];

    /// <summary>The text with every secret blacked out.</summary>
    public string Redacted(string text) =>
        Secrets.Aggregate(text, (shown, secret) => shown.Replace(secret, "[redacted]", StringComparison.Ordinal));

    // A record would print the token.
    public override string ToString() => $"Webhook of kind {Kind?.ToString() ?? "none"}";
}
