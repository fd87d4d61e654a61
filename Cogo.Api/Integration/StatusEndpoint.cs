using Cogo.Api.Reference;
using Cogo.Core.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;

namespace Cogo.Api.Integration;

/// <summary>Whether this installation works, and what it is made of.</summary>
/// <param name="Status"><c>ok</c>, or <c>unavailable</c> when the database does not answer.</param>
/// <param name="Version">Of Cogo.</param>
/// <param name="Database">Postgres, as seen just now.</param>
/// <param name="Workers">Those whose lease holds, and the routes they read.</param>
public sealed record IntegrationStatus(string Status, string Version, DatabaseState Database, IReadOnlyList<LiveWorker> Workers);

/// <summary>Postgres, as seen just now.</summary>
/// <param name="Reachable">It answered.</param>
/// <param name="Problem">Why not, and what to do.</param>
public sealed record DatabaseState(bool Reachable, string? PostgresVersion = null, string? Problem = null);

/// <summary><c>GET /api/integration/status</c>.</summary>
internal static partial class StatusEndpoint
{
    public static void MapIntegrationStatus(this IEndpointRouteBuilder endpoints) => endpoints
        .MapGet("/api/integration/status", ReadAsync)
        .WithName("integrationStatus")
        .WithTags("Integration")
        .WithSummary("Is it working?")
        .WithDescription("200 with what the system is made of, or 503 with the reason when the database does not answer or lacks Cogo's tables. Fit for a health check.")
        .Produces<IntegrationStatus>(StatusCodes.Status503ServiceUnavailable)
        .WithExamples(null, StatusCodes.Status200OK, Example);

    private const string Example = """
        {
          "status": "ok",
          "version": "0.1.0",
          "database": { "reachable": true, "postgres_version": "18.0" },
          "workers": [
            { "worker": "host-27305", "routes": ["codegen/generate/0"], "started_at": "2026-01-05T08:00:00.000000+00:00", "seen_at": "2026-01-05T09:00:00.000000+00:00" }
          ]
        }
        """;

    private static async Task<Results<Ok<IntegrationStatus>, JsonHttpResult<IntegrationStatus>>> ReadAsync(
        SystemStatus system, ILogger<SystemStatus> logger, CancellationToken cancellationToken)
    {
        try
        {
            var database = await system.ReadAsync(cancellationToken);
            return TypedResults.Ok(new IntegrationStatus("ok", CogoApi.Version, new DatabaseState(true, database.PostgresVersion), database.Workers));
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.UndefinedFunction)
        {
            LogNotMigrated(logger, e);
            return Unavailable(new DatabaseState(true, Problem: "The database lacks Cogo's tables: run `cogo migrate`."));
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            LogUnreachable(logger, e);
            return Unavailable(new DatabaseState(false, Problem: "The database does not answer: see that it runs and that ConnectionStrings__cogo is right. The log has the cause."));
        }
    }

    private static JsonHttpResult<IntegrationStatus> Unavailable(DatabaseState database) => TypedResults.Json(
        new IntegrationStatus("unavailable", CogoApi.Version, database, []), statusCode: StatusCodes.Status503ServiceUnavailable);

    [LoggerMessage(EventId = 2010, Level = LogLevel.Warning, Message = "Status asked: the database does not answer")]
    private static partial void LogUnreachable(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 2011, Level = LogLevel.Warning, Message = "Status asked: the database is not migrated")]
    private static partial void LogNotMigrated(ILogger logger, Exception exception);
}
