using Cogo.Core.Pipeline;

namespace Cogo.Core.Workspaces;

/// <summary>
/// A lock that other processes see and the kernel releases when its holder dies (flock on Unix, share mode on
/// Windows).
/// </summary>
internal sealed class FileLock : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(40);

    private readonly FileStream _stream;

    private FileLock(FileStream stream) => _stream = stream;

    /// <summary>Null when somebody else holds it.</summary>
    public static FileLock? TryTake(string path, bool create = true)
    {
        try
        {
            return new FileLock(new FileStream(path, create ? FileMode.OpenOrCreate : FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.None));
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (DirectoryNotFoundException)
        {
            throw;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <exception cref="WorkspaceException"><c>work_folder_unusable</c>: still held after <paramref name="patience"/>.</exception>
    public static async Task<FileLock> TakeAsync(string path, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            if (TryTake(path) is { } taken)
                return taken;

            if (time.GetElapsedTime(started) > patience)
            {
                throw new WorkspaceException(WorkspaceCodes.WorkFolderUnusable,
                    $"{path} has been held by another process for {patience.TotalSeconds:0} s: see what hangs there, or set COGO_WORK to another folder.", Verdict.Infrastructure);
            }

            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    /// <summary>Removes the lock's file while it is still held, so that nobody can take a file that is about to go.</summary>
    public void DisposeAndDelete()
    {
        File.Delete(_stream.Name);
        _stream.Dispose();
    }

    public void Dispose() => _stream.Dispose();
}
