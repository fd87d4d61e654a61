using System.Text;

namespace Cogo.Core.Database.Embedded;

/// <summary><c>server.log</c>: what this start added to it, and what that means to a person.</summary>
internal sealed class ServerLog
{
    private const long RotateAtBytes = 16 * 1024 * 1024;
    private const int TailBytes = 16 * 1024;

    private readonly string _path;
    private readonly long _start;

    private ServerLog(string path, long start) => (_path, _start) = (path, start);

    /// <summary>Makes the file, keeps one older generation.</summary>
    public static async Task<ServerLog> OpenAsync(string path, ServerUser user, CancellationToken cancellationToken)
    {
        var file = new FileInfo(path);
        if (file.Exists && file.Length > RotateAtBytes)
        {
            file.MoveTo(path + ".1", overwrite: true);
        }

        await using (new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite))
        {
        }

        await user.GiveAsync(path, cancellationToken);
        return new ServerLog(path, new FileInfo(path).Length);
    }

    public async Task<string> ReadAsync(CancellationToken cancellationToken)
    {
        await using var file = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Position = Math.Max(_start, file.Length - TailBytes);
        using var reader = new StreamReader(file, Encoding.UTF8);
        return (await reader.ReadToEndAsync(cancellationToken)).Trim();
    }

    /// <summary>Turns the server's words into a message that says what to do.</summary>
    public static string Explain(string what, string words) => (words switch
    {
        _ when words.Contains("No space left on device", StringComparison.Ordinal) =>
            $"{what}: the disk is full. Free some space, or put the data elsewhere (COGO_POSTGRES_DIR).",
        _ when words.Contains("could not create shared memory segment", StringComparison.Ordinal) || words.Contains("could not map anonymous shared memory", StringComparison.Ordinal) =>
            $"{what}: there is not enough memory for it. Free some, or set ConnectionStrings__cogo to a server elsewhere.",
        _ when words.Contains("Permission denied", StringComparison.Ordinal) =>
            $"{what}: it may not use its files. Give them back to the user that runs Cogo, or begin anew with --fresh.",
        _ when words.Contains("database files are incompatible", StringComparison.Ordinal) =>
            $"{what}: the data was written by another version. Set COGO_POSTGRES to that one, or begin anew with --fresh.",
        _ when words.Contains("PANIC", StringComparison.Ordinal) || words.Contains("invalid page", StringComparison.Ordinal) =>
            $"{what}: its data is damaged. Restore a copy, or begin anew with --fresh.",
        _ => $"{what}. The reason is in its own words below.",
    }) + (words.Length == 0 ? "" : $"\n{words}");
}
