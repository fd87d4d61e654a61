using Cogo.Core.Gates;

namespace Cogo.Api.Metrics;

/// <summary>Which thresholds the server holds figures against.</summary>
internal static class ThresholdsFile
{
    /// <summary>Those of the file that the setting names, or those Cogo comes with.</summary>
    /// <exception cref="FormatException">The file is not there, or is none; the message says why.</exception>
    public static QualityThresholds Read(IConfiguration configuration)
    {
        if (configuration[QualityThresholds.FileSetting] is not { Length: > 0 } file)
        {
            return QualityThresholds.Default;
        }

        try
        {
            return QualityThresholds.Parse(File.ReadAllText(file), file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FormatException($"{QualityThresholds.FileSetting} names {file}, which cannot be read: {e.Message}", e);
        }
    }
}
