using Npgsql;

namespace Cogo.Workers.Jobs.Notify;

/// <summary>Reads the settings of notifications, which are environment variables of the same names.</summary>
public static class NotifySettings
{
    public const string KindSetting = "WEBHOOK_TYPE";

    /// <summary>Address at which readers reach the API.</summary>
    public const string PublicAddressSetting = "COGO_PUBLIC_URL";

    private const int ShortestSecret = 6;

    // What else this process may know and a notification must not tell.
    private static readonly string[] _secrets =
    [
        "GITHUB_TOKEN", "SLACK_WEBHOOK_URL", "WEBHOOK_URL", "GOOGLE_CHAT_WEBHOOK_URL", "WEBHOOK_SECRET",
        "OPENAI_API_KEY", "FIGMA_API_TOKEN", "QUALITY_NOTIFY_ADMIN_TOKEN",
    ];

    /// <exception cref="FormatException">A setting is missing or cannot be read; the message names it, and repeats no secret.</exception>
    public static NotifyOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        string? Text(string name) => configuration[name]?.Trim() is { Length: > 0 } text ? text : null;
        string Need(string name, string kind) => Text(name) ?? throw new FormatException($"{KindSetting} is {kind} and {name} is not set: set it.");
        var options = new NotifyOptions { Secrets = Secrets(configuration), SigningSecret = Text("WEBHOOK_SECRET") };
        if (Text("GITHUB_API_URL") is { } api)
        {
            options = options with { GitHubApi = Address(api, "GITHUB_API_URL") };
        }

        if (Text(PublicAddressSetting) is { } own)
        {
            options = options with { PublicAddress = Address(own, PublicAddressSetting) };
        }

        return Text(KindSetting)?.ToLowerInvariant() switch
        {
            null => options,
            "github" => options with
            {
                Kind = WebhookKind.GitHub,
                GitHubOwner = Name(Need("GITHUB_OWNER", "github"), "GITHUB_OWNER"),
                GitHubRepo = Name(Need("GITHUB_REPO", "github"), "GITHUB_REPO"),
                GitHubToken = Token(Need("GITHUB_TOKEN", "github")),
            },
            "slack" => options with { Kind = WebhookKind.Slack, Address = Address(Need("SLACK_WEBHOOK_URL", "slack"), "SLACK_WEBHOOK_URL") },
            "http" => options with { Kind = WebhookKind.Http, Address = Address(Need("WEBHOOK_URL", "http"), "WEBHOOK_URL") },
            "googlechat" => options with { Kind = WebhookKind.GoogleChat, Address = Address(Need("GOOGLE_CHAT_WEBHOOK_URL", "googlechat"), "GOOGLE_CHAT_WEBHOOK_URL") },
            _ => throw new FormatException($"{KindSetting} is '{Text(KindSetting)}': set it to github, slack, http or googlechat."),
        };
    }

    private static List<string> Secrets(IConfiguration configuration)
    {
        var found = _secrets.Select(name => configuration[name]?.Trim()).ToList();
        foreach (var name in new[] { "cogo", "cogo_listen" })
        {
            if (configuration.GetConnectionString(name) is { Length: > 0 } text)
            {
                found.Add(Password(text));
            }
        }

        // The longest first: one may hold another.
        return [.. found.OfType<string>().Where(secret => secret.Length >= ShortestSecret).Distinct(StringComparer.Ordinal).OrderByDescending(secret => secret.Length)];
    }

    private static string? Password(string connectionString)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(connectionString).Password;
        }
        catch (ArgumentException)
        {
            // Whoever opens the connection says so.
            return null;
        }
    }

    private static Uri Address(string text, string name) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : throw new FormatException($"{name} is not a URL: set it to https://host/path.");

    private static string Name(string text, string name) =>
        text.Length <= 100 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') && text is not ("." or "..")
            ? text
            : throw new FormatException($"{name} is '{text}': set it to the name alone, without a slash.");

    private static string Token(string text) =>
        text.All(c => c is > ' ' and <= '~') ? text : throw new FormatException("GITHUB_TOKEN holds a space or another character that a token cannot have: set it to the token alone.");
}
