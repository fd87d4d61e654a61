using System.Security.Cryptography;
using System.Text.Json;
using Cogo.Core.Artifacts;
using Cogo.Core.Workspaces;

namespace Cogo.Workers.Codegen;

/// <summary>
/// Where a repair starts: the change that the tests found red is applied to the fresh copy, and the task says what failed.
/// What the engine makes of it is again one change against the base.
/// </summary>
internal sealed class RepairStart(IArtifactStore artifacts)
{
    /// <summary>The request as the engine gets it, with the red change in the copy.</summary>
    /// <exception cref="WorkspaceException">The red change or its report is not in the store, or is not what it was.</exception>
    public async Task<PipelineRequest> PrepareAsync(PipelineRequest request, WorkingCopy copy, CancellationToken cancellationToken)
    {
        if (request is not { Change: { } change, Repair: { } repair })
            throw new WorkspaceException("change_missing", "A repair needs the change that was red: send change as the codegen_done event has it.", Verdict.Invalid);

        var diff = await ReadAsync(change.Path, cancellationToken);
        if (Convert.ToHexStringLower(SHA256.HashData(diff)) != change.Sha256)
            throw new WorkspaceException("change_corrupt", $"The artifact {change.Path} is not the one that codegen stored: its SHA-256 differs. Retry the run from codegen.", Verdict.Infrastructure);

        await copy.ApplyAsync(diff, PatchRules.Stored, cancellationToken);
        var report = await ReadAsync(repair.Report, cancellationToken);
        try
        {
            return request with { Task = RepairTask.Of(request.Task, JsonSerializer.Deserialize<JsonElement>(report)) };
        }
        catch (JsonException e)
        {
            throw new WorkspaceException("report_corrupt", $"The artifact {repair.Report} is no JSON: {e.Message} Retry the run from build-test.", Verdict.Infrastructure);
        }
    }

    /// <summary>Whether a repair left everything as it was.</summary>
    public static bool IsSame(PipelineRequest request, WorkingCopyChange change) =>
        request is { Repair: not null, Change: { } red } && Convert.ToHexStringLower(SHA256.HashData(change.Diff.Span)) == red.Sha256;

    private async Task<byte[]> ReadAsync(string path, CancellationToken cancellationToken)
    {
        await using var stored = await artifacts.OpenAsync(path, cancellationToken)
            ?? throw new WorkspaceException("artifact_missing", $"There is no artifact {path} in this worker's store: every worker must see the same one (ARTIFACTS_BASE).", Verdict.Infrastructure);
        using var buffer = new MemoryStream();
        try
        {
            await stored.CopyToAsync(buffer, cancellationToken);
        }
        catch (InvalidDataException e)
        {
            throw new WorkspaceException("artifact_corrupt", e.Message, Verdict.Infrastructure, e);
        }

        return buffer.ToArray();
    }
}
