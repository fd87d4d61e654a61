using System.Text.Json;
using Cogo.Core.Jobs;

namespace Cogo.Workers.Jobs.Figma;

/// <summary><c>figma.image</c>: nodes rendered by Figma, each to an artifact of its own.</summary>
internal sealed class FigmaImageJob(FigmaClient client) : IJobHandler
{
    private const int MostIds = 200;

    // Per job: the storage is fast, and other jobs want the network too.
    private const int Downloads = 4;

    public string Type => "figma.image";

    public async Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (!JobPayload.TryRead<ImagePayload>(job, out var payload, out var failed))
            return failed;
        if (FigmaQuery.Refusal(job, client, payload.FileKey, payload.Ids) is { } refusal)
            return refusal;
        if (payload.Ids.Count is 0 or > MostIds)
            return JobPayload.Fault(job, $"ids holds {payload.Ids.Count} node ids, and 1 to {MostIds} are allowed");
        if (payload.Format is not ("png" or "jpg" or "svg" or "pdf"))
            return JobPayload.Fault(job, "format is not png, jpg, svg or pdf");
        if (payload.Scale is not (null or (>= 0.01 and <= 4)))
            return JobPayload.Fault(job, "scale is not between 0.01 and 4");

        var ids = payload.Ids.Select(FigmaQuery.Id).Distinct(StringComparer.Ordinal).ToList();
        var (rendered, ending) = await RenderAsync(payload, ids, cancellationToken);
        if (rendered is null)
            return ending!;
        return await StoreAsync(job, payload.Format, rendered, cancellationToken);
    }

    /// <summary>Where each node's image lies. A node that Figma could not render ends the job: it says so by null, and only so.</summary>
    private async Task<(IReadOnlyDictionary<string, Uri>? Rendered, JobOutcome? Ending)> RenderAsync(ImagePayload payload, List<string> ids, CancellationToken cancellationToken)
    {
        var path = FigmaQuery.Path(
            $"v1/images/{payload.FileKey}",
            ("ids", string.Join(',', ids)),
            ("format", payload.Format),
            ("scale", payload.Scale?.ToString("0.####")),
            ("version", payload.Version),
            ("use_absolute_bounds", payload.UseAbsoluteBounds ? "true" : null));
        var (content, ending) = await client.AskAsync(path, $"images of the file {payload.FileKey}", cancellationToken);
        if (content is null)
            return (null, ending);

        await using (content)
        {
            Rendered? answer;
            try
            {
                answer = await JsonSerializer.DeserializeAsync<Rendered>(content.Open(), JsonSerializerOptions.Web, cancellationToken);
            }
            catch (JsonException)
            {
                return (null, new JobOutcome.Retry($"Figma's answer for images of the file {payload.FileKey} is not the JSON of images."));
            }

            if (answer?.Err is { } error)
                return (null, new JobOutcome.Failed("figma_render_failed", $"Figma could not render images of the file {payload.FileKey}: {error}. Correct ids, format or scale."));
            var rendered = new Dictionary<string, Uri>(StringComparer.Ordinal);
            foreach (var id in ids)
            {
                if (answer?.Images?.GetValueOrDefault(id) is { } text && Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
                    rendered.Add(id, url);
            }

            var missing = ids.Where(id => !rendered.ContainsKey(id)).ToList();
            return missing.Count == 0
                ? (rendered, null)
                : (null, new JobOutcome.Failed("figma_render_failed", $"Figma could not render {string.Join(", ", missing)} of the file {payload.FileKey}: no such node, nothing visible in it, or too large. Check ids, or lower scale."));
        }
    }

    private async Task<JobOutcome> StoreAsync(JobContext job, string format, IReadOnlyDictionary<string, Uri> rendered, CancellationToken cancellationToken)
    {
        var stored = new Image[rendered.Count];
        JobOutcome? ending = null;
        var done = 0;
        // The store and the report of progress are asked by one at a time.
        using var saving = new SemaphoreSlim(1);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await Parallel.ForEachAsync(rendered.Index(), new ParallelOptions { MaxDegreeOfParallelism = Downloads, CancellationToken = enough.Token }, async (entry, token) =>
            {
                var (index, (id, url)) = entry;
                var (content, failed) = await client.DownloadAsync(url, $"the image of {id}", token);
                if (content is null)
                {
                    Interlocked.CompareExchange(ref ending, failed, null);
                    await enough.CancelAsync();
                    return;
                }

                await using (content)
                {
                    await saving.WaitAsync(token);
                    try
                    {
                        var artifact = await job.SaveArtifactAsync($"figma-{FileName(id)}.{format}", content.Open(), ContentType(format), token);
                        stored[index] = new Image(id, artifact.Path, artifact.Bytes, artifact.Sha256);
                        done++;
                        await job.ReportProgressAsync((double)done / rendered.Count, $"{done} of {rendered.Count} images", token);
                    }
                    finally
                    {
                        saving.Release();
                    }
                }
            });
        }
        catch (OperationCanceledException) when (ending is not null && !cancellationToken.IsCancellationRequested)
        {
            return ending;
        }

        return ending ?? new JobOutcome.Succeeded(new ImageResult(format, stored));
    }

    // Distinct ids stay distinct: an id holds ':' and ';' alone beside digits and a leading I.
    private static string FileName(string id) => id.Replace(':', '-').Replace(';', '_');

    private static string ContentType(string format) => format switch
    {
        "png" => "image/png",
        "jpg" => "image/jpeg",
        "svg" => "image/svg+xml",
        _ => "application/pdf",
    };

    private sealed record ImagePayload
    {
        public required string FileKey { get; init; }

        public required IReadOnlyList<string> Ids { get; init; }

        public string Format { get; init; } = "png";

        public double? Scale { get; init; }

        public string? Version { get; init; }

        /// <summary>Without cropping to what is visible.</summary>
        public bool UseAbsoluteBounds { get; init; }
    }

    private sealed record Rendered(string? Err, IReadOnlyDictionary<string, string?>? Images);

    private sealed record Image(string Id, string Artifact, long Bytes, string Sha256);

    private sealed record ImageResult(string Format, IReadOnlyList<Image> Images);
}
