using Amazon;
using Amazon.Runtime;
using Amazon.S3;

namespace Cogo.Core.Artifacts.S3;

/// <summary>Clients set up for stores of any make: no checksums that only Amazon's knows, one signature for a whole body.</summary>
internal static class S3Clients
{
    /// <param name="endpoint">Null: Amazon's.</param>
    public static AmazonS3Client Create(S3Options options, Uri? endpoint)
    {
        var configuration = new AmazonS3Config
        {
            ForcePathStyle = options.PathStyle,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            Timeout = options.Timeout,
            MaxErrorRetry = options.Retries,
        };
        if (endpoint is null)
        {
            configuration.RegionEndpoint = RegionEndpoint.GetBySystemName(options.Region);
        }
        else
        {
            configuration.ServiceURL = endpoint.AbsoluteUri;
            configuration.AuthenticationRegion = options.Region;
        }

        return options.AccessKeyId is { } access
            ? new AmazonS3Client(new BasicAWSCredentials(access, options.SecretAccessKey), configuration)
            : new AmazonS3Client(configuration);
    }
}
