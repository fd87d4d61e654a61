using System.Text.Json;

namespace Cogo.Core.Database.Embedded;

/// <summary>Who uses the folder, for the one that comes second.</summary>
/// <param name="Watchdog">Runs as long as the server may; null where there is none (Windows).</param>
internal sealed record Owner(int Pid, int Port, KnownProcess? Watchdog = null);

/// <summary>
/// Held for the life of the process by the kernel, so that a killed owner leaves it free: a database that still
/// runs below a free lock is an orphan.
/// </summary>
internal sealed class OwnerLock : IDisposable
{
    private readonly FileStream _file;
    private readonly string _ownerPath;

    private OwnerLock(FileStream file, string ownerPath) => (_file, _ownerPath) = (file, ownerPath);

    /// <exception cref="EmbeddedPostgresException">Another process holds it.</exception>
    public static OwnerLock Take(string directory)
    {
        var ownerPath = Path.Combine(directory, "owner.json");
        try
        {
            var file = new FileStream(Path.Combine(directory, "owner.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return new OwnerLock(file, ownerPath);
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or FileNotFoundException or PathTooLongException))
        {
            if (IsOutOfSpace(e))
            {
                throw;
            }

            var who = Read(ownerPath) is { } owner ? $" as process {owner.Pid}, with Postgres on port {owner.Port}" : "";
            throw new EmbeddedPostgresException(
                $"Cogo already runs on '{directory}'{who}. Use that one (COGO_URL), stop it, or choose another folder for this one (COGO_POSTGRES_DIR).", e);
        }
    }

    /// <summary>Who holds the folder now; null when it is free.</summary>
    public static Owner? Holder(string directory)
    {
        var path = Path.Combine(directory, "owner.lock");
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            // Read access with sharing fails while the owner has it open for itself alone.
            using var free = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return null;
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or FileNotFoundException))
        {
            return Read(Path.Combine(directory, "owner.json"));
        }
    }

    /// <summary>The last owner's port, so that it can be the same again.</summary>
    public Owner? LastOwner() => Read(_ownerPath);

    public void Announce(Owner owner) => File.WriteAllText(_ownerPath, JsonSerializer.Serialize(owner, CogoJson.Options));

    public void Dispose() => _file.Dispose();

    internal static bool IsOutOfSpace(IOException e) =>
        e.Message.Contains("No space left", StringComparison.OrdinalIgnoreCase) || (e.HResult & 0xFFFF) == 0x70;

    private static Owner? Read(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<Owner>(File.ReadAllText(path), CogoJson.Options) : null;
        }
        catch (Exception e) when (e is JsonException or IOException)
        {
            // Only words for a message and a preference for a port: a half-written file is as good as none.
            return null;
        }
    }
}
