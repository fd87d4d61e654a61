using System.CommandLine;
using Cogo.Core.Database.Embedded;

namespace Cogo.Cli;

/// <summary>The options of every verb that can bring its own Postgres, and what they mean together with the environment.</summary>
internal sealed class DatabaseOptions
{
    private readonly Option<string?> _data = new("--data") { Description = "Folder for the embedded Postgres and the artifacts (default: .cogo).", HelpName = "DIR" };
    private readonly Option<string?> _postgres = new("--postgres") { Description = "Which Postgres to embed: 18, 15, or the folder of its binaries (default: 18, else the newest installed).", HelpName = "18|15|PATH" };

    public void AddTo(Command verb)
    {
        verb.Options.Add(_data);
        verb.Options.Add(_postgres);
    }

    /// <exception cref="InputException">An option does not go with <c>ConnectionStrings__cogo</c>.</exception>
    public CogoSystemOptions Read(ParseResult parsed, Surroundings surroundings)
    {
        var data = parsed.GetValue(_data);
        var postgres = parsed.GetValue(_postgres);
        var connection = surroundings.Variable("ConnectionStrings__cogo");
        if (connection is not null && postgres is not null)
        {
            throw new InputException("--postgres is for the embedded Postgres, and ConnectionStrings__cogo names another one. Leave out one of them.");
        }

        var embedded = EmbeddedPostgresOptions.FromEnvironment(surroundings.Variable);
        var folder = surroundings.FullPath(data ?? ".cogo");
        return new CogoSystemOptions
        {
            ConnectionString = connection,
            Folder = folder,
            ArtifactsFolder = surroundings.Variable("ARTIFACTS_BASE") is { } artifacts && data is null
                ? surroundings.FullPath(artifacts)
                : Path.Combine(folder, "artifacts"),
            Postgres = embedded with
            {
                DataDirectory = data is null && surroundings.Variable("COGO_POSTGRES_DIR") is { } directory
                    ? surroundings.FullPath(directory)
                    : Path.Combine(folder, "postgres"),
                Version = postgres ?? embedded.Version,
            },
        };
    }
}
