using System.Globalization;
using System.Runtime.InteropServices;

namespace Cogo.Benchmarks;

/// <summary>Where the figures come from.</summary>
internal sealed record Machine(int Cores, double MemoryGb, string System, string Runtime, string Postgres, IReadOnlyDictionary<string, string> Settings)
{
    private static readonly string[] Shown =
    [
        "fsync", "synchronous_commit", "full_page_writes", "wal_level", "shared_buffers", "max_wal_size", "max_connections", "autovacuum_naptime", "jit",
    ];

    public static async Task<Machine> LookAsync(BenchmarkServer server, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in Shown)
        {
            settings[name] = await server.SettingAsync(name, cancellationToken);
        }

        return new Machine(
            Environment.ProcessorCount, Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9, 1),
            $"{RuntimeInformation.OSDescription} {RuntimeInformation.OSArchitecture}", RuntimeInformation.FrameworkDescription,
            server.Postgres.Installation.Version, settings);
    }

    public void Write()
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Cores} cores, {MemoryGb:0.0} GB, {System}, {Runtime}, {Postgres}; server and clients share the machine"));
        Console.WriteLine(string.Join(", ", Settings.Select(setting => $"{setting.Key}={setting.Value}")));
        Console.WriteLine();
    }
}
