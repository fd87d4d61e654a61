using System.Globalization;
using System.Text.RegularExpressions;

namespace Cogo.Core.Artifacts.S3;

/// <summary>An S3-compatible store for artifacts.</summary>
public sealed partial record S3Options
{
    /// <summary>Setting, and environment variable, of <see cref="Bucket"/>; artifacts are in S3 when it is set.</summary>
    public const string BucketSetting = "ARTIFACTS_S3_BUCKET";

    private const string AccessKeySetting = "ARTIFACTS_S3_ACCESS_KEY_ID";
    private const string SecretKeySetting = "ARTIFACTS_S3_SECRET_ACCESS_KEY";

    // What a link may live at most: a week, by the signature's own rule.
    private const int MostLinkMinutes = 7 * 24 * 60;

    /// <summary>It must exist: Cogo makes none.</summary>
    public required string Bucket { get; init; }

    /// <summary>Of any store but Amazon's. Null: Amazon's, in <see cref="Region"/>.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>What stands in links, where those who open them reach the store by another name. Null: as <see cref="Endpoint"/>.</summary>
    public Uri? PublicEndpoint { get; init; }

    public string Region { get; init; } = "us-east-1";

    /// <summary>Stands before every key, with a slash at its end; empty for none.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The bucket is in the path of an address, not in its host name.</summary>
    public bool PathStyle { get; init; }

    /// <summary>Null, together with <see cref="SecretAccessKey"/>: the role of the machine or the pod.</summary>
    public string? AccessKeyId { get; init; }

    public string? SecretAccessKey { get; init; }

    /// <summary>How long a signed link is good.</summary>
    public TimeSpan LinkLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Longest silence of the store before an attempt is given up.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>Attempts after the first one that failed for a reason that may pass.</summary>
    public int Retries { get; init; } = 3;

    /// <summary>Null when artifacts are not in S3.</summary>
    /// <param name="variable">Reads a setting; null or empty when it is not set.</param>
    /// <exception cref="FormatException">A setting cannot be read, or one that goes with it is missing. Keys are never quoted.</exception>
    public static S3Options? Read(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        var endpoint = Address("ARTIFACTS_S3_ENDPOINT", variable("ARTIFACTS_S3_ENDPOINT"));
        var publicEndpoint = Address("ARTIFACTS_S3_PUBLIC_ENDPOINT", variable("ARTIFACTS_S3_PUBLIC_ENDPOINT"));
        var access = Given(variable("ARTIFACTS_S3_ACCESS_KEY_ID"));
        var secret = Given(variable("ARTIFACTS_S3_SECRET_ACCESS_KEY"));
        if (Given(variable("ARTIFACTS_S3_BUCKET")) is not { } bucket)
        {
            var lonely = endpoint is not null ? "ARTIFACTS_S3_ENDPOINT" : publicEndpoint is not null ? "ARTIFACTS_S3_PUBLIC_ENDPOINT"
                : access is not null ? AccessKeySetting : secret is not null ? SecretKeySetting : null;
            return lonely is null
                ? null
                : throw new FormatException($"{lonely} is set and {BucketSetting} is not: name the bucket that artifacts are kept in, or take {lonely} away to keep them in {ArtifactOptions.BaseSetting}.");
        }

        if (!BucketName().IsMatch(bucket))
        {
            throw new FormatException($"{BucketSetting} is '{bucket}': a bucket's name is 3 to 63 of a-z 0-9 . - and begins and ends with a letter or digit.");
        }

        if (access is null != secret is null)
        {
            var (present, missing) = access is null ? (SecretKeySetting, AccessKeySetting) : (AccessKeySetting, SecretKeySetting);
            throw new FormatException($"{present} is set and {missing} is not: set both, or none to use the role of the machine or the pod.");
        }

        var region = Given(variable("ARTIFACTS_S3_REGION"));
        if (region is null && endpoint is null)
        {
            throw new FormatException($"{BucketSetting} is set and neither ARTIFACTS_S3_REGION nor ARTIFACTS_S3_ENDPOINT: name the bucket's region, such as eu-central-1, or the address of another store than Amazon's.");
        }

        return new S3Options
        {
            Bucket = bucket,
            Endpoint = endpoint,
            PublicEndpoint = publicEndpoint,
            Region = region ?? "us-east-1",
            Prefix = ReadPrefix(Given(variable("ARTIFACTS_S3_PREFIX"))),
            PathStyle = ReadPathStyle(Given(variable("ARTIFACTS_S3_PATH_STYLE")), endpoint is not null),
            AccessKeyId = access,
            SecretAccessKey = secret,
            LinkLifetime = ReadLinkLifetime(Given(variable("ARTIFACTS_LINK_MINUTES"))),
        };
    }

    /// <summary>The bucket and where it is; never a key.</summary>
    public override string ToString() => $"{Bucket} at {Endpoint?.GetLeftPart(UriPartial.Authority) ?? $"Amazon S3 in {Region}"}";

    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    private static Uri? Address(string name, string? text)
    {
        if (Given(text) is not { } given)
        {
            return null;
        }

        // Not quoted: people write keys into addresses.
        return Uri.TryCreate(given, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            && address is { AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" }
            ? address
            : throw new FormatException($"{name} is no address of a store: write it like https://s3.example.com:9000, with neither path nor keys.");
    }

    private static string ReadPrefix(string? text)
    {
        if (text?.Trim('/') is not { Length: > 0 } prefix)
        {
            return "";
        }

        return ArtifactPath.IsValid(prefix)
            ? $"{prefix}/"
            : throw new FormatException($"ARTIFACTS_S3_PREFIX is '{text}': use A-Z a-z 0-9 . _ - in parts between slashes, such as cogo/production.");
    }

    private static bool ReadPathStyle(string? text, bool otherwise) => text?.ToLowerInvariant() switch
    {
        null => otherwise,
        "true" => true,
        "false" => false,
        _ => throw new FormatException($"ARTIFACTS_S3_PATH_STYLE is '{text}': set it to true or false."),
    };

    private static TimeSpan ReadLinkLifetime(string? text) => text switch
    {
        null => TimeSpan.FromHours(1),
        _ when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var minutes) && minutes is > 0 and <= MostLinkMinutes => TimeSpan.FromMinutes(minutes),
        _ => throw new FormatException($"ARTIFACTS_LINK_MINUTES is '{text}': set it to a number of minutes from 1 to {MostLinkMinutes}."),
    };

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\z", RegexOptions.None, 1000)]
    private static partial Regex BucketName();
}
