namespace Cogo.Core.Database.Embedded;

/// <summary>An embedded Postgres that another process has started and uses now.</summary>
public static class RunningPostgres
{
    /// <summary>The connection string of the one that uses the folder of <paramref name="options"/>; null when none does.</summary>
    public static async Task<string?> FindAsync(EmbeddedPostgresOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (var root in DatabaseFolder.PossibleRoots(options).Where(Directory.Exists))
        {
            foreach (var major in DatabaseFolder.MajorsWithData(root))
            {
                var folder = new DatabaseFolder(Path.Combine(root, major.ToString()));
                if (OwnerLock.Holder(folder.Path) is not { } owner)
                {
                    continue;
                }

                try
                {
                    var password = (await File.ReadAllTextAsync(folder.Password, cancellationToken)).Trim();
                    return OwnDatabase.ConnectionString(folder, owner.Port, password, options.Database);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    throw new EmbeddedPostgresException(
                        $"Cogo runs on '{folder.Path}' as process {owner.Pid}, and the password of its database cannot be read: {e.Message} Run this as the same user, or name the database with --database.", e);
                }
            }
        }

        return null;
    }
}
