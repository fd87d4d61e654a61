using System.Net.Sockets;
using Npgsql;

namespace Cogo.Core.Database;

/// <summary>Why a database cannot be used, as a sentence that says what to do and quotes no connection string.</summary>
public static class DatabaseProblem
{
    /// <summary>Whether only another setting helps, so that trying again does not.</summary>
    public static bool IsOfTheSettings(NpgsqlException error) => error is PostgresException
    {
        SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification or PostgresErrorCodes.InvalidCatalogName,
    };

    public static string Of(NpgsqlException error) => error switch
    {
        PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.InvalidSchemaName } =>
            "The database has no schema of Cogo, or an older one: run `cogo migrate`.",
        PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification } refused =>
            $"Postgres does not let this user in ({refused.MessageText}): correct Username and Password in ConnectionStrings__cogo, or COGO_DATABASE_PASSWORD.",
        PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } missing =>
            $"Postgres has no such database ({missing.MessageText}): create it, or correct Database in ConnectionStrings__cogo.",
        PostgresException { SqlState: PostgresErrorCodes.TooManyConnections } =>
            "Postgres has no connection left: raise its max_connections, lower Maximum Pool Size in ConnectionStrings__cogo, or put PgBouncer in between.",
        PostgresException refused => $"Postgres refused: {refused.MessageText} ({refused.SqlState}).",
        { InnerException: SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData } } =>
            "The host in ConnectionStrings__cogo is not known: correct Host, or the machine's name service.",
        _ => $"Postgres does not answer ({(error.InnerException?.Message ?? error.Message).TrimEnd('.')}). See that it runs and that ConnectionStrings__cogo is right.",
    };
}
