using System.Text.Json;
using Cogo.Core.Jobs;

namespace Cogo.Workers.Jobs.Figma;

/// <summary><c>figma.file</c>: the document of a file, as the API gives it, to <c>figma-file.json</c>.</summary>
internal sealed class FigmaFileJob(FigmaClient client) : IJobHandler
{
    public string Type => "figma.file";

    public async Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (!JobPayload.TryRead<FilePayload>(job, out var payload, out var failed))
            return failed;
        if (FigmaQuery.Refusal(job, client, payload.FileKey, payload.Ids) is { } refusal)
            return refusal;
        if (payload.Depth is < 1 or > 100)
            return JobPayload.Fault(job, "depth is not between 1 and 100");
        if (payload.Geometry is not (null or "paths"))
            return JobPayload.Fault(job, "geometry is not paths");

        var path = FigmaQuery.Path(
            $"v1/files/{payload.FileKey}",
            ("version", payload.Version),
            ("ids", payload.Ids.Count == 0 ? null : string.Join(',', payload.Ids.Select(FigmaQuery.Id))),
            ("depth", payload.Depth?.ToString()),
            ("geometry", payload.Geometry));
        var (content, ending) = await client.AskAsync(path, $"the file {payload.FileKey}", cancellationToken);
        if (content is null)
            return ending!;

        await using (content)
        {
            Document? document;
            try
            {
                document = await JsonSerializer.DeserializeAsync<Document>(content.Open(), JsonSerializerOptions.Web, cancellationToken);
            }
            catch (JsonException)
            {
                return new JobOutcome.Retry($"Figma's answer for the file {payload.FileKey} is not the JSON of a file.");
            }

            if (document?.Root is not { } root)
                return new JobOutcome.Retry($"Figma's answer for the file {payload.FileKey} has no document.");
            var artifact = await job.SaveArtifactAsync("figma-file.json", content.Open(), "application/json", cancellationToken);
            var pages = (root.Children ?? []).Where(node => node.Type == "CANVAS").Select(node => new Page(node.Id, node.Name)).ToList();
            return new JobOutcome.Succeeded(new FileResult(document.Name, document.Version, document.LastModified, document.EditorType, pages, artifact.Bytes, artifact.Sha256, artifact.Path));
        }
    }

    private sealed record FilePayload
    {
        public required string FileKey { get; init; }

        public IReadOnlyList<string> Ids { get; init; } = [];

        public string? Version { get; init; }

        /// <summary>How deep into the tree: 1 is the pages.</summary>
        public int? Depth { get; init; }

        public string? Geometry { get; init; }
    }

    // What is read of the answer; the deserializer skips the rest without keeping it.
    private sealed record Document(string? Name, string? Version, DateTimeOffset? LastModified, string? EditorType)
    {
        [System.Text.Json.Serialization.JsonPropertyName("document")]
        public Node? Root { get; init; }
    }

    private sealed record Node(string? Id, string? Name, string? Type, IReadOnlyList<PageNode>? Children);

    private sealed record PageNode(string? Id, string? Name, string? Type);

    private sealed record Page(string? Id, string? Name);

    private sealed record FileResult(
        string? Name, string? Version, DateTimeOffset? LastModified, string? EditorType, IReadOnlyList<Page> Pages, long Bytes, string Sha256, string Artifact);
}
