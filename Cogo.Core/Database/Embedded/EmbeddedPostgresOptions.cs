using System.Globalization;

namespace Cogo.Core.Database.Embedded;

/// <summary>Where the embedded Postgres comes from, keeps its files and listens.</summary>
public sealed record EmbeddedPostgresOptions
{
    /// <summary>Takes whatever <see cref="Version"/> finds first.</summary>
    public const string AnyVersion = "auto";

    /// <summary>
    /// Holds one folder a major version, so that 15 and 18 do not meet. Relative to the working directory.
    /// Default: <c>.cogo/postgres</c>.
    /// </summary>
    public string DataDirectory { get; init; } = Path.Combine(".cogo", "postgres");

    /// <summary>Throws the existing database away first.</summary>
    public bool Fresh { get; init; }

    /// <summary>The port on 127.0.0.1. Default: the one used last time if it is free, else any free one.</summary>
    public int? Port { get; init; }

    /// <summary>
    /// <c>auto</c> (18 by npm, else the newest installed one, 15 or later), a major version such as <c>18</c> or
    /// <c>15</c>, or the folder that holds <c>postgres</c>, <c>initdb</c> and <c>pg_ctl</c>.
    /// </summary>
    public string Version { get; init; } = AnyVersion;

    /// <summary>Where downloaded binaries are kept. Default: the user's cache folder, or <c>/var/cache/cogo</c> for root.</summary>
    public string? CacheDirectory { get; init; }

    /// <summary>Made if it is not there.</summary>
    public string Database { get; init; } = "cogo";

    /// <summary>For the server to accept connections, recovery after a crash included.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>For a fast shutdown; an immediate one, which recovers at the next start, follows.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Reads <c>COGO_POSTGRES</c> (<see cref="Version"/>), <c>COGO_POSTGRES_PORT</c>, <c>COGO_POSTGRES_DIR</c>
    /// (<see cref="DataDirectory"/>) and <c>COGO_CACHE</c>.
    /// </summary>
    /// <exception cref="EmbeddedPostgresException">The port is not a number between 1 and 65535.</exception>
    public static EmbeddedPostgresOptions FromEnvironment(Func<string, string?>? variable = null)
    {
        variable ??= Environment.GetEnvironmentVariable;
        var options = new EmbeddedPostgresOptions();
        return options with
        {
            Version = Set("COGO_POSTGRES") ?? options.Version,
            DataDirectory = Set("COGO_POSTGRES_DIR") ?? options.DataDirectory,
            CacheDirectory = Set("COGO_CACHE"),
            Port = PortOf(Set("COGO_POSTGRES_PORT")),
        };

        string? Set(string name) => variable(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;
    }

    private static int? PortOf(string? text) => text switch
    {
        null => null,
        _ when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536 => port,
        _ => throw new EmbeddedPostgresException($"COGO_POSTGRES_PORT is '{text}': set it to a port between 1 and 65535, or unset it for any free one."),
    };
}
