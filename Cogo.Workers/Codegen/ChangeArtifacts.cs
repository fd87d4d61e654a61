using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Artifacts;
using Cogo.Core.Workspaces;

namespace Cogo.Workers.Codegen;

/// <summary>
/// Stores what an attempt leaves behind below <c>&lt;task&gt;/codegen/</c>. An attempt that is repeated replaces what
/// the one before it stored.
/// </summary>
internal sealed class ChangeArtifacts(IArtifactStore store, string taskId, string traceId)
{
    private readonly List<string> _stored = [];

    /// <summary>Paths stored so far, in order.</summary>
    public IReadOnlyList<string> Stored => _stored;

    public Task<Artifact> SaveDiffAsync(ReadOnlyMemory<byte> diff, CancellationToken cancellationToken) =>
        SaveAsync("change.diff", diff, "text/x-diff; charset=utf-8", cancellationToken);

    public Task<Artifact> SaveEditsAsync(Edits edits, CancellationToken cancellationToken) =>
        SaveAsync("edits.json", Json(edits), "application/json", cancellationToken);

    public Task<Artifact> SaveCostAsync(CostReport cost, CancellationToken cancellationToken) =>
        SaveAsync("cost.json", Json(cost), "application/json", cancellationToken);

    public async Task<Artifact> SaveLogAsync(CodegenLog log, CancellationToken cancellationToken)
    {
        log.Flush();
        await using var content = new FileStream(log.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return await SaveAsync("codegen.log", content, "text/plain; charset=utf-8", cancellationToken);
    }

    /// <summary>Adds to each file of a change the hashes of its content before and after.</summary>
    public static async Task<IReadOnlyList<FileEdit>> DescribeAsync(WorkingCopy copy, WorkingCopyChange change, CancellationToken cancellationToken)
    {
        var sources = change.Files.Where(file => file.Change != FileChange.Added).Select(file => file.OldPath ?? file.Path).Distinct(StringComparer.Ordinal).ToList();
        var before = new ConfinedFolder(await copy.ExtractBaseAsync(sources, cancellationToken));
        var edits = new List<FileEdit>(change.Files.Count);
        foreach (var file in change.Files)
        {
            edits.Add(new FileEdit
            {
                Path = file.Path,
                OldPath = file.OldPath,
                Kind = file.Change,
                Added = file.LinesAdded,
                Removed = file.LinesRemoved,
                Binary = file.IsBinary ? true : null,
                BeforeSha256 = file.Change == FileChange.Added ? null : await HashAsync(before, file.OldPath ?? file.Path, cancellationToken),
                AfterSha256 = file.Change == FileChange.Deleted ? null : await HashAsync(copy.Project, file.Path, cancellationToken),
            });
        }

        return edits;
    }

    /// <summary>Of a symbolic link the text is hashed, as git does: what it points to may lie anywhere.</summary>
    private static async Task<string> HashAsync(ConfinedFolder folder, string path, CancellationToken cancellationToken)
    {
        var full = Path.Combine(folder.Root, path);
        if (new FileInfo(full).LinkTarget is { } target)
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(target)));

        await using var content = File.OpenRead(folder.Resolve(path));
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellationToken));
    }

    private static byte[] Json<T>(T value) => [.. JsonSerializer.SerializeToUtf8Bytes(value, CogoJson.Indented), (byte)'\n'];

    private async Task<Artifact> SaveAsync(string name, ReadOnlyMemory<byte> content, string contentType, CancellationToken cancellationToken)
    {
        using var stream = new MemoryStream(content.ToArray(), writable: false);
        return await SaveAsync(name, stream, contentType, cancellationToken);
    }

    private async Task<Artifact> SaveAsync(string name, Stream content, string contentType, CancellationToken cancellationToken)
    {
        var artifact = await store.SaveAsync($"{taskId}/codegen/{name}", content, new ArtifactContext(taskId, traceId, contentType), cancellationToken);
        _stored.Add(artifact.Path);
        return artifact;
    }
}
