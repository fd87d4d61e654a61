using Npgsql;

namespace Cogo.Core.Database.Embedded;

/// <summary>The one database in the embedded server, made at the first start.</summary>
internal static class OwnDatabase
{
    /// <returns>The connection string to it.</returns>
    /// <exception cref="EmbeddedPostgresException">The kept password is not the server's.</exception>
    public static async Task<string> EnsureAsync(int port, string password, string database, DatabaseFolder folder, CancellationToken cancellationToken)
    {
        var own = ConnectionString(folder, port, password, database);
        var builder = new NpgsqlConnectionStringBuilder(own) { Pooling = false };
        try
        {
            await using var connection = new NpgsqlConnection(builder.ConnectionString);
            await connection.OpenAsync(cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            builder.Database = "postgres";
            await using var connection = new NpgsqlConnection(builder.ConnectionString);
            await connection.OpenAsync(cancellationToken);
            await using var command = connection.CreateCommand();
            // An identifier cannot be a parameter.
            command.CommandText = $"create database \"{database.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification)
        {
            throw new EmbeddedPostgresException(
                $"The database in '{folder.Data}' does not accept the password kept in '{folder.Password}'. Put the right one there, or begin anew with --fresh.", e);
        }

        return own;
    }

    /// <summary>
    /// By the server's Unix socket, where this process can reach it: that saves a tenth of a millisecond a round trip. Nothing
    /// to encrypt either way, and no time spent on asking.
    /// </summary>
    public static string ConnectionString(DatabaseFolder folder, int port, string password, string database) => new NpgsqlConnectionStringBuilder
    {
        Host = folder.SocketDirectory.Length > 0 && File.Exists(folder.Socket(port)) ? folder.SocketDirectory : EmbeddedPostgres.Loopback,
        Port = port,
        Username = Cluster.Superuser,
        Password = password,
        Database = database,
        SslMode = SslMode.Disable,
        GssEncryptionMode = GssEncryptionMode.Disable,
    }.ConnectionString;
}
