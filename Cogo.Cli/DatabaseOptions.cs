using System.CommandLine;
using Cogo.Core.Artifacts;
using Cogo.Core.Artifacts.S3;
using Cogo.Core.Database.Embedded;
using Cogo.ServiceDefaults;

namespace Cogo.Cli;

/// <summary>The options of every verb that can bring its own Postgres, and what they mean together with the environment.</summary>
internal sealed class DatabaseOptions
{
    private const string ConnectionVariable = "ConnectionStrings__cogo";

    private readonly Option<string?> _data = new("--data") { Description = "Folder for the embedded Postgres and the artifacts (default: .cogo).", HelpName = "DIR" };
    private readonly Option<string?> _postgres = new("--postgres") { Description = "Which Postgres to embed: 18, 15, or the folder of its binaries (default: 18, else the newest installed).", HelpName = "18|15|PATH" };

    private readonly Option<string?> _database = new("--database") { Description = "Use this Postgres instead of an embedded one (default: ConnectionStrings__cogo, which keeps a password out of the process list).", HelpName = "CONNECTION" };

    /// <summary>Whether the command line itself says which database.</summary>
    public bool IsGiven(ParseResult parsed) =>
        (parsed.GetValue(_data) ?? parsed.GetValue(_postgres) ?? parsed.GetValue(_database)) is not null;

    public void AddTo(Command verb)
    {
        verb.Options.Add(_database);
        verb.Options.Add(_data);
        verb.Options.Add(_postgres);
    }

    /// <exception cref="InputException">An option does not go with a database that runs already, or a setting cannot be read.</exception>
    public CogoSystemOptions Read(ParseResult parsed, Surroundings surroundings)
    {
        var data = parsed.GetValue(_data);
        var postgres = parsed.GetValue(_postgres);
        var connection = Connection(parsed.GetValue(_database), "--database") ?? Connection(surroundings.Variable(ConnectionVariable), ConnectionVariable);
        if (connection is not null && postgres is not null)
        {
            throw new InputException($"--postgres is for the embedded Postgres, and {Source(parsed)} names another one. Leave out one of them.");
        }

        var embedded = EmbeddedPostgresOptions.FromEnvironment(surroundings.Variable);
        var folder = surroundings.FullPath(data ?? ".cogo");
        var (artifacts, s3) = ReadArtifacts(surroundings);
        return new CogoSystemOptions
        {
            ConnectionString = connection,
            Folder = folder,
            ArtifactsFolder = surroundings.Variable("ARTIFACTS_BASE") is not null && data is null
                ? surroundings.FullPath(artifacts.BasePath)
                : Path.Combine(folder, "artifacts"),
            ArtifactsTimeToLive = artifacts.TimeToLive,
            ArtifactsS3 = s3,
            WorkFolder = surroundings.Variable("COGO_WORK") is { } work && data is null
                ? surroundings.FullPath(work)
                : Path.Combine(folder, "work"),
            Postgres = embedded with
            {
                DataDirectory = data is null && surroundings.Variable("COGO_POSTGRES_DIR") is { } directory
                    ? surroundings.FullPath(directory)
                    : Path.Combine(folder, "postgres"),
                Version = postgres ?? embedded.Version,
            },
        };
    }

    /// <summary>Where the connection string came from.</summary>
    public string Source(ParseResult parsed) => parsed.GetValue(_database) is null ? ConnectionVariable : "--database";

    private static (ArtifactOptions Artifacts, S3Options? S3) ReadArtifacts(Surroundings surroundings)
    {
        try
        {
            return (ArtifactOptions.Read(surroundings.Variable), S3Options.Read(surroundings.Variable));
        }
        catch (FormatException e)
        {
            throw new InputException(e.Message, e);
        }
    }

    private static string? Connection(string? text, string source)
    {
        if (text is null)
        {
            return null;
        }

        return DataSource.TryParse(text, source, out _, out var problem) ? text : throw new InputException(problem);
    }
}
