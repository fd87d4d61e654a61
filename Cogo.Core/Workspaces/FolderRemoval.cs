namespace Cogo.Core.Workspaces;

/// <summary>Removes a folder also when what ran in it made parts of it read-only (Go's module cache does).</summary>
public static class FolderRemoval
{
    public static void Delete(string folder)
    {
        if (!Directory.Exists(folder))
            return;

        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException && Directory.Exists(folder))
        {
            MakeWritable(new DirectoryInfo(folder));
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void MakeWritable(DirectoryInfo folder)
    {
        if (!OperatingSystem.IsWindows())
            folder.UnixFileMode |= UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

        foreach (var entry in folder.EnumerateFileSystemInfos())
        {
            if (entry.LinkTarget is not null)
                continue;
            if (OperatingSystem.IsWindows())
                entry.Attributes &= ~FileAttributes.ReadOnly;
            if (entry is DirectoryInfo inner)
                MakeWritable(inner);
        }
    }
}
