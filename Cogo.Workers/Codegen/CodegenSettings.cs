using System.Globalization;

namespace Cogo.Workers.Codegen;

/// <summary>Reads the settings of codegen, which are environment variables of the same names.</summary>
public static class CodegenSettings
{
    private static readonly int LongestSeconds = (int)SubscriptionOptions.LongestTimeout.TotalSeconds;

    /// <exception cref="FormatException">A setting cannot be read; the message names it and says what to write.</exception>
    public static CodegenOptions Codegen(IConfiguration configuration)
    {
        var defaults = new CodegenOptions();
        return defaults with { Timeout = Seconds(configuration, "CODEGEN_TIMEOUT_SECONDS") ?? defaults.Timeout };
    }

    /// <inheritdoc cref="Codegen"/>
    public static CommandEngineOptions Command(IConfiguration configuration)
    {
        var defaults = new CommandEngineOptions();
        return new CommandEngineOptions
        {
            Silence = Seconds(configuration, "CODEGEN_COMMAND_SILENCE_SECONDS") ?? defaults.Silence,
            MemoryBytes = Whole(configuration, "CODEGEN_COMMAND_MEMORY_MB", 16, 16 * 1024 * 1024) * 1024 * 1024 ?? defaults.MemoryBytes,
            OutputBytes = Whole(configuration, "CODEGEN_COMMAND_OUTPUT_MB", 1, 16 * 1024) * 1024 * 1024 ?? defaults.OutputBytes,
            Processes = (int?)Whole(configuration, "CODEGEN_COMMAND_PROCESSES", 1, 1_000_000) ?? defaults.Processes,
            PassedVariables = Text(configuration, "CODEGEN_COMMAND_ENV")?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [],
        };
    }

    /// <inheritdoc cref="Codegen"/>
    public static OpenAiEngineOptions OpenAi(IConfiguration configuration)
    {
        var defaults = new OpenAiEngineOptions();
        return new OpenAiEngineOptions
        {
            ApiKey = Text(configuration, "OPENAI_API_KEY"),
            BaseUrl = Address(configuration, "OPENAI_BASE_URL"),
            Model = Text(configuration, "OPENAI_MODEL"),
            MaxTurns = (int?)Whole(configuration, "CODEGEN_MAX_TURNS", 1, 10_000) ?? defaults.MaxTurns,
            MaxTokens = Whole(configuration, "CODEGEN_MAX_TOKENS", 1, 1_000_000_000_000) ?? defaults.MaxTokens,
            Silence = Seconds(configuration, "OPENAI_SILENCE_SECONDS") ?? defaults.Silence,
            MaxRetries = (int?)Whole(configuration, "OPENAI_MAX_RETRIES", 0, 100) ?? defaults.MaxRetries,
            InputPrice = Price(configuration, "OPENAI_PRICE_INPUT"),
            OutputPrice = Price(configuration, "OPENAI_PRICE_OUTPUT"),
        };
    }

    /// <inheritdoc cref="Codegen"/>
    public static CogoWorkerEngineOptions CogoWorker(IConfiguration configuration)
    {
        var defaults = new CogoWorkerEngineOptions();
        return new CogoWorkerEngineOptions
        {
            Enabled = Text(configuration, "ENABLE_COGO_WORKER") switch
            {
                null => false,
                var text when bool.TryParse(text, out var enabled) => enabled,
                var text => throw new FormatException($"ENABLE_COGO_WORKER is '{text}': set it to true or false."),
            },
            Url = Address(configuration, "COGO_WORKER_URL"),
            Timeout = Whole(configuration, "COGO_WORKER_TIMEOUT_MS", 1, LongestSeconds * 1000L) is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : defaults.Timeout,
            FilesBytes = (int?)Whole(configuration, "COGO_WORKER_FILES_BYTES", 0, 64 * 1024 * 1024) ?? defaults.FilesBytes,
        };
    }

    private static string? Text(IConfiguration configuration, string name)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return configuration[name]?.Trim() is { Length: > 0 } text ? text : null;
    }

    private static Uri? Address(IConfiguration configuration, string name) => Text(configuration, name) switch
    {
        null => null,
        var text when Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" => address,
        // Not repeated here: a URL may hold a password.
        _ => throw new FormatException($"{name} is not a URL: set it to http://host:port/path or https://host/path."),
    };

    private static TimeSpan? Seconds(IConfiguration configuration, string name) =>
        Whole(configuration, name, 1, LongestSeconds) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    private static decimal? Price(IConfiguration configuration, string name) => Text(configuration, name) switch
    {
        null => null,
        var text when decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var price) && price <= 1_000_000 => price,
        var text => throw new FormatException($"{name} is '{text}': set it to US dollars for a million tokens, for example 0.25."),
    };

    private static long? Whole(IConfiguration configuration, string name, long least, long most) => Text(configuration, name) switch
    {
        null => null,
        var text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most => value,
        var text => throw new FormatException($"{name} is '{text}': set it to a whole number from {least} to {most}."),
    };
}
