using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Cogo.ServiceDefaults;

/// <summary>
/// Settings that come as files, as Docker and Kubernetes mount secrets: in the folder that <c>COGO_SECRETS</c> names, one
/// file a setting, called as its variable is. What is in a file shows in no environment and in no <c>docker inspect</c>.
/// </summary>
public static class Secrets
{
    /// <summary>The folder. A folder that is not there holds no secrets.</summary>
    public const string FolderSetting = "COGO_SECRETS";

    /// <summary>Password for the connection strings that have none, so that these can be written into manifests.</summary>
    public const string DatabasePasswordSetting = "COGO_DATABASE_PASSWORD";

    /// <summary>
    /// Adds the files, which go before variables of the same name, and puts the database's password into
    /// <c>ConnectionStrings__cogo</c> and <c>ConnectionStrings__cogo_listen</c>. False, with a sentence that never quotes
    /// a value, when a file cannot be read or a connection string is none.
    /// </summary>
    public static bool TryAdd(IConfigurationManager configuration, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        problem = null;
        if (configuration[FolderSetting] is { Length: > 0 } folder && Directory.Exists(folder))
        {
            try
            {
                configuration.AddKeyPerFile(Path.GetFullPath(folder), optional: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                problem = $"A secret in {folder}, which {FolderSetting} names, cannot be read: {e.Message} Let the user that this program runs as (number {Environment.GetEnvironmentVariable("APP_UID") ?? "1654"} in Cogo's images) read it.";
                return false;
            }
        }

        var complete = new Dictionary<string, string?>();
        foreach (var name in new[] { DataSource.ConnectionName, $"{DataSource.ConnectionName}_listen" })
        {
            if (configuration.GetConnectionString(name) is not { Length: > 0 } text)
            {
                continue;
            }

            if (!DataSource.TryParse(text, $"ConnectionStrings__{name}", out var parsed, out problem))
            {
                return false;
            }

            if (parsed.Password is null && configuration[DatabasePasswordSetting] is { Length: > 0 } password)
            {
                complete.Add($"ConnectionStrings:{name}", new NpgsqlConnectionStringBuilder(text) { Password = password }.ConnectionString);
            }
        }

        if (complete.Count > 0)
        {
            configuration.AddInMemoryCollection(complete);
        }

        return true;
    }
}
