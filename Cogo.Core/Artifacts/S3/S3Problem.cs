using System.Net;
using Amazon.Runtime;

namespace Cogo.Core.Artifacts.S3;

/// <summary>What an S3 store said, or that it said nothing, as a sentence that says what to do.</summary>
internal static class S3Problem
{
    /// <summary>Runs one request. What it throws is an <see cref="ArtifactStorageException"/>, or a cancellation that was asked for.</summary>
    public static async Task<T> TellAsync<T>(S3Options options, Func<Task<T>> request, CancellationToken cancellationToken)
    {
        try
        {
            return await request();
        }
        catch (Exception e) when (IsOfTheStore(e) && !cancellationToken.IsCancellationRequested)
        {
            throw new ArtifactStorageException(Sentence(e, options), e);
        }
    }

    /// <summary>Whether the store said that there is no such object.</summary>
    public static bool IsMissingObject(ArtifactStorageException e) =>
        e.InnerException is AmazonServiceException { ErrorCode: "NoSuchKey" or "NotFound" };

    /// <summary>Whether the store said that there is no such upload.</summary>
    public static bool IsMissingUpload(ArtifactStorageException e) => e.InnerException is AmazonServiceException { ErrorCode: "NoSuchUpload" };

    private static bool IsOfTheStore(Exception e) =>
        e is AmazonClientException or AmazonServiceException or HttpRequestException or OperationCanceledException or IOException or TimeoutException;

    private static string Sentence(Exception e, S3Options options) => e switch
    {
        AmazonServiceException { ErrorCode: "NoSuchBucket" } =>
            $"There is no bucket {options}: make it, or correct {S3Options.BucketSetting}.",
        AmazonServiceException { ErrorCode: "InvalidAccessKeyId" } =>
            $"The store of {options} does not know the access key: correct ARTIFACTS_S3_ACCESS_KEY_ID.",
        AmazonServiceException { ErrorCode: "SignatureDoesNotMatch" } =>
            $"The store of {options} says that the secret does not go with the access key: correct ARTIFACTS_S3_SECRET_ACCESS_KEY.",
        AmazonServiceException { ErrorCode: "RequestTimeTooSkewed" } =>
            $"The store of {options} says that this machine's clock is wrong: set it.",
        AmazonServiceException { ErrorCode: "PermanentRedirect" or "AuthorizationHeaderMalformed" or "IllegalLocationConstraintException" } =>
            $"The bucket {options} is in another region: correct ARTIFACTS_S3_REGION.",
        AmazonServiceException { StatusCode: HttpStatusCode.Forbidden } =>
            $"The keys may not use the bucket {options}: allow them s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload there.",
        AmazonServiceException { ErrorCode: { Length: > 0 } code } service =>
            $"The store of {options} refused: {service.Message.TrimEnd('.')} ({code}).",
        AmazonClientException when e.InnerException is null && options.AccessKeyId is null =>
            $"No keys were found for the bucket {options}: set ARTIFACTS_S3_ACCESS_KEY_ID and ARTIFACTS_S3_SECRET_ACCESS_KEY, or give the machine or the pod a role.",
        _ => $"The store of {options} does not answer ({(e.InnerException ?? e).Message.TrimEnd('.')}). See that it runs and that {(options.Endpoint is null ? "ARTIFACTS_S3_REGION" : "ARTIFACTS_S3_ENDPOINT")} is right.",
    };
}
