using Microsoft.Extensions.Hosting;

namespace Cogo.Core.Artifacts;

/// <summary>Looks at the storage as a program starts: a wrong bucket or key is told then, not at the first artifact.</summary>
internal sealed class ArtifactStorageCheck(IArtifactStore store) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => store.CheckAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
