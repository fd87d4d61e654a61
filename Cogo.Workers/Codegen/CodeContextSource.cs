using Cogo.Core.Indexing;
using Npgsql;

namespace Cogo.Workers.Codegen;

/// <summary>What the code index knows about a task. An index that is missing or cannot be read stops no task.</summary>
public sealed class CodeContextSource(CodeIndex index)
{
    /// <summary>Null without an index of the repository, and when nothing in it matches.</summary>
    public async Task<CodeContext?> FindAsync(EngineContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        try
        {
            if (await index.FindRepositoryAsync(context.Copy.Repository, cancellationToken) is not { } repository)
                return null;

            // Rows of other contents than the base's are not told of.
            var blobs = (await context.Copy.ListBaseAsync(cancellationToken)).ToDictionary(entry => entry.Path, entry => entry.Blob, StringComparer.Ordinal);
            var found = await index.FindContextAsync(repository, context.Request.Task ?? "", blobs, cancellationToken);
            context.Log.Write(found is null
                ? "the code index has nothing that matches the task's words"
                : $"the code index gave {found.Symbols.Count} symbols and {found.Files.Count} files");
            return found;
        }
        catch (NpgsqlException e) when (!cancellationToken.IsCancellationRequested)
        {
            context.Log.Write($"the code index could not be read, and the work goes on without: {e.Message}");
            return null;
        }
    }
}
