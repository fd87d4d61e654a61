namespace Cogo.Cli;

/// <summary>Cogo's own folder, which may lie inside a repository that it works on.</summary>
internal static class OwnFolder
{
    /// <summary>Makes the folder and keeps git from seeing it, so that a run does not make its own repository dirty.</summary>
    /// <exception cref="CogoSystemException">It cannot be written.</exception>
    public static void Make(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            var ignore = Path.Combine(folder, ".gitignore");
            if (!File.Exists(ignore))
            {
                File.WriteAllText(ignore, "*\n");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CogoSystemException($"{folder} cannot be written ({e.Message}). Choose a folder that you may write to with --data.", e);
        }
    }
}
