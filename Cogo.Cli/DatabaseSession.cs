using System.CommandLine;
using Cogo.Core.Artifacts;
using Cogo.Core.Bus;
using Cogo.Core.Database;
using Cogo.Core.Database.Embedded;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Cli;

/// <summary>
/// The database of a verb that looks at it and goes: the one that is named, else the one of a <c>cogo dev</c> that runs
/// in the same folder, else the embedded one, started for the moment.
/// </summary>
internal sealed class DatabaseSession : IAsyncDisposable
{
    private readonly EmbeddedPostgres? _embedded;

    private DatabaseSession(EmbeddedPostgres? embedded, NpgsqlDataSource source, CogoSystemOptions options) =>
        (_embedded, Source, Options) = (embedded, source, options);

    public NpgsqlDataSource Source { get; }

    public CogoSystemOptions Options { get; }

    /// <summary>Nothing else uses the database: it was started for this verb, and stops with it.</summary>
    public bool IsStartedForTheMoment => _embedded is not null;

    public static async Task<DatabaseSession> OpenAsync(DatabaseOptions database, ParseResult parsed, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var options = database.Read(parsed, surroundings);
        var connection = options.ConnectionString ?? await RunningPostgres.FindAsync(options.Postgres, cancellationToken);
        if (connection is not null)
        {
            return new DatabaseSession(null, NpgsqlDataSource.Create(connection), options);
        }

        OwnFolder.Make(options.Folder);
        var embedded = await EmbeddedPostgres.StartAsync(options.Postgres, NullLogger.Instance, cancellationToken);
        var source = NpgsqlDataSource.Create(embedded.ConnectionString);
        var session = new DatabaseSession(embedded, source, options);
        try
        {
            await new Migrator(source, NullLogger.Instance).MigrateAsync(cancellationToken);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>The store of the settings, on this database.</summary>
    public ArtifactStore OpenArtifacts() => ArtifactServices.Open(Source, Options.Artifacts, Options.ArtifactsS3);

    /// <summary>The bus on this database, to be disposed before the session.</summary>
    public MessageBus OpenBus() => new(Source, new BusOptions(), NullLogger<MessageBus>.Instance);

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        if (_embedded is not null)
        {
            await _embedded.DisposeAsync();
        }
    }
}
