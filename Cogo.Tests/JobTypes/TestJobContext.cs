using System.Text.Json;
using Cogo.Core.Artifacts;
using Cogo.Core.Jobs;

namespace Cogo.Tests.JobTypes;

/// <summary>A job past the queue, over a real artifact store.</summary>
internal sealed class TestJobContext(IArtifactStore artifacts) : JobContext
{
    public List<string> Progress { get; } = [];

    public List<string> ArtifactNames { get; } = [];

    public override Task ReportProgressAsync(double fraction, string? message, CancellationToken cancellationToken)
    {
        Progress.Add($"{fraction:0.00} {message}");
        return Task.CompletedTask;
    }

    public override async Task<Artifact> SaveArtifactAsync(string name, Stream content, string contentType, CancellationToken cancellationToken)
    {
        var saved = await artifacts.SaveAsync($"job-{Id}/{name}", content, new ArtifactContext($"job-{Id}", TraceId, contentType), cancellationToken);
        ArtifactNames.Add(name);
        return saved;
    }

    public async Task<byte[]> ArtifactAsync(string name)
    {
        await using var stream = await artifacts.OpenAsync($"job-{Id}/{name}", CancellationToken.None)
            ?? throw new InvalidOperationException($"There is no artifact {name}, but {string.Join(", ", ArtifactNames)}.");
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy);
        return copy.ToArray();
    }

    public async Task<string> ArtifactTextAsync(string name) => System.Text.Encoding.UTF8.GetString(await ArtifactAsync(name));

    public async Task<JsonElement> ArtifactJsonAsync(string name) => JsonSerializer.Deserialize<JsonElement>(await ArtifactAsync(name));
}
