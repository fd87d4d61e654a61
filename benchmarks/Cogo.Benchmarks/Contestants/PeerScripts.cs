namespace Cogo.Benchmarks.Contestants;

/// <summary>The folder <c>benchmarks/peers</c>: npm packages, installed at first use, and the scripts that drive them.</summary>
internal sealed class PeerScripts
{
    private readonly string _folder;

    private PeerScripts(string folder, string node) => (_folder, Node) = (folder, node);

    /// <summary>The Node that the npm package <c>node</c> brings, else the one on PATH.</summary>
    public string Node { get; }

    /// <summary>Installs what the lock file names, unless that was done before.</summary>
    public static async Task<PeerScripts> InstallAsync(CancellationToken cancellationToken)
    {
        var folder = Path.Combine(Root(), "benchmarks", "peers");
        var wanted = Path.Combine(folder, "package-lock.json");
        var installed = Path.Combine(folder, "node_modules", ".package-lock.json");
        if (!File.Exists(installed) || File.GetLastWriteTimeUtc(installed) < File.GetLastWriteTimeUtc(wanted))
        {
            await Console.Error.WriteLineAsync("Installing the peers (npm ci in benchmarks/peers) ...");
            await ToolProcess.RunAsync(
                OperatingSystem.IsWindows() ? "npm.cmd" : "npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], folder, null,
                line => Console.Error.WriteLine($"  npm: {line}"), cancellationToken);
            File.SetLastWriteTimeUtc(installed, DateTime.UtcNow);
        }

        var own = Path.Combine(folder, "node_modules", "node", "bin", OperatingSystem.IsWindows() ? "node.exe" : "node");
        return new PeerScripts(folder, File.Exists(own) ? own : "node");
    }

    public string Script(string name) => Path.Combine(_folder, name);

    private static string Root()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Cogo.sln")))
            {
                return folder;
            }
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds Cogo.sln: run the benchmarks from a clone.");
    }
}
