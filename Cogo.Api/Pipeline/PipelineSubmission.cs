using System.Security.Cryptography;
using System.Text;
using Cogo.Api.Problems;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Cogo.Api.Pipeline;

/// <summary>Puts a request on the bus for the dispatcher, and answers where to follow it.</summary>
internal static class PipelineSubmission
{
    /// <param name="request">As it came: with the endpoint it is what the key stands for.</param>
    public static async Task<Accepted<CodeBuildTestAccepted>> PublishAsync(
        IPublisher publisher, OutgoingMessage message, string endpoint, object request, string? idempotencyKey, string taskId, CancellationToken cancellationToken)
    {
        var keyed = idempotencyKey is null ? message : message with { IdempotencyKey = idempotencyKey, Fingerprint = IdempotencyKey.Fingerprint(endpoint, request) };
        var receipt = await publisher.PublishAsync(keyed, cancellationToken);
        var links = new CodeBuildTestLinks(
            $"/api/metrics/trace/{receipt.TraceId}",
            $"/api/artifacts/index?task_id={Uri.EscapeDataString(taskId)}");
        return TypedResults.Accepted(
            links.Trace,
            new CodeBuildTestAccepted(taskId, receipt.TraceId, receipt.MessageId, receipt.Duplicate, links));
    }

    /// <summary>A change through codegen, build and test.</summary>
    public static PipelineRequest Change(CodeBuildTestRequest request, string taskId) => new()
    {
        Target = Route.Codegen.ToString(),
        Next = Route.BuildTest.ToString(),
        TaskId = taskId,
        Repo = request.Repo,
        Base = request.Base,
        Engine = request.Engine,
        Patch = request.Patch,
        Command = request.Command,
        Task = request.Task,
        AllowDirty = request.AllowDirty ? true : null,
    };

    /// <summary>Sorts by time; repeats with the key, so that a repeated request has the same payload.</summary>
    public static string NewTaskId(string? idempotencyKey, TimeProvider time)
    {
        if (idempotencyKey is null)
        {
            return $"{time.GetUtcNow():yyyyMMdd-HHmmss}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        }

        return $"key-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(idempotencyKey)))[..16]}";
    }
}
