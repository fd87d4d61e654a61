using System.Text;
using Cogo.Core.Workspaces;

namespace Cogo.Workers.Codegen.Engines;

/// <summary>Applies the request's unified diff. What does not apply whole is refused and changes nothing.</summary>
public sealed class PatchEngine : ICodegenEngine
{
    public string Name => RequestRules.PatchEngine;

    public async Task<EngineResult> RunAsync(EngineContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var diff = await context.Copy.ApplyAsync(Encoding.UTF8.GetBytes(context.Request.Patch ?? ""), PatchRules.Submitted, cancellationToken);
        foreach (var file in diff.Files)
            context.Log.Write($"{file.Change} {file.Path} +{file.LinesAdded} -{file.LinesRemoved}");

        context.Progress(diff.Files.Count == 1 ? $"applied the patch to {diff.Files[0].Path}" : $"applied the patch to {diff.Files.Count} files");
        return new EngineResult.Done();
    }
}
