using Npgsql;

namespace Cogo.Core.Artifacts;

/// <summary>Bytes that are stored and do not count yet. Disposing of them before <see cref="Keep"/> removes them.</summary>
internal abstract class StagedContent(long bytes, string sha256) : IAsyncDisposable
{
    public long Bytes { get; } = bytes;

    public string Sha256 { get; } = sha256;

    /// <summary>The object that holds them; null where the path alone says it.</summary>
    public virtual string? ObjectKey => null;

    protected bool Kept { get; private set; }

    /// <summary>Puts them where readers look, in the transaction that writes the row.</summary>
    public abstract Task PublishAsync(NpgsqlConnection connection, CancellationToken cancellationToken);

    public void Keep() => Kept = true;

    public abstract ValueTask DisposeAsync();
}
