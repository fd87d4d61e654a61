using System.Globalization;

namespace Cogo.Core.Artifacts;

/// <summary>Where artifacts are kept, and for how long.</summary>
public sealed record ArtifactOptions
{
    /// <summary>Setting, and environment variable, of <see cref="BasePath"/>.</summary>
    public const string BaseSetting = "ARTIFACTS_BASE";

    private const int MostDays = 36_500;

    /// <summary>Folder of the local store; made when it is not there.</summary>
    public string BasePath { get; init; } = Path.Combine(".cogo", "artifacts");

    /// <summary>After this time the row's <c>expires_at</c> lets a clean-up remove the artifact. Null: kept for good.</summary>
    public TimeSpan? TimeToLive { get; init; }

    /// <exception cref="FormatException"><c>ARTIFACTS_EXPIRE_DAYS</c> is no number of days.</exception>
    /// <param name="variable">Reads a setting; null or empty when it is not set.</param>
    public static ArtifactOptions Read(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        var defaults = new ArtifactOptions();
        return new ArtifactOptions
        {
            BasePath = variable(BaseSetting) is { Length: > 0 } folder ? folder : defaults.BasePath,
            TimeToLive = variable("ARTIFACTS_EXPIRE_DAYS") switch
            {
                null or "" => null,
                var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var days) && days is > 0 and <= MostDays => TimeSpan.FromDays(days),
                var text => throw new FormatException($"ARTIFACTS_EXPIRE_DAYS is '{text}': set it to a number of days from 1 to {MostDays}, or leave it out to keep artifacts for good."),
            },
        };
    }
}
