using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Cogo.Tests.Workspaces;

/// <summary>A real repository of a user, made by real git.</summary>
internal sealed class GitRepository
{
    public GitRepository(string folder, bool empty = false)
    {
        Folder = folder;
        Directory.CreateDirectory(folder);
        Git("init", "--quiet", "--initial-branch=main");
        if (empty)
            return;
        Write("hello.txt", "one\ntwo\nthree\n");
        Write("src/app.js", "module.exports = (a, b) => a - b;\n");
        Write("sub/inner.txt", "inside\n");
        Commit("first");
    }

    public string Folder { get; }

    public string Head => Git("rev-parse", "HEAD").Trim();

    public void Write(string path, string content)
    {
        var full = Path.Combine(Folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, content);
    }

    public string Commit(string message)
    {
        Git("add", "--all");
        Git("commit", "--quiet", "--message", message);
        return Head;
    }

    public string Git(params string[] arguments) => Run(Folder, arguments);

    /// <summary>One hash over every file of the folder, .git included: names, bytes, links.</summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var path in Directory.EnumerateFileSystemEntries(Folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(path + "\n"));
            var info = new FileInfo(path);
            if (info.LinkTarget is { } target)
                hash.AppendData(Encoding.UTF8.GetBytes(target));
            else if (info.Exists)
                hash.AppendData(File.ReadAllBytes(path));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    public static void SetMode(string path, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, mode);
    }

    public static string Run(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("git") { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment["GIT_CONFIG_GLOBAL"] = "/dev/null";
        start.Environment["GIT_AUTHOR_NAME"] = start.Environment["GIT_COMMITTER_NAME"] = "Someone";
        start.Environment["GIT_AUTHOR_EMAIL"] = start.Environment["GIT_COMMITTER_EMAIL"] = "someone@example.org";
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"git {string.Join(' ', arguments)}: {error.GetAwaiter().GetResult()}");
    }
}
