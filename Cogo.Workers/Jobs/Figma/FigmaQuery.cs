using System.Text.RegularExpressions;
using Cogo.Core.Jobs;

namespace Cogo.Workers.Jobs.Figma;

/// <summary>What both jobs check before they ask, and how a request is written.</summary>
internal static partial class FigmaQuery
{
    /// <summary>How the job ends when it cannot be asked at all; null when it can.</summary>
    public static JobOutcome.Failed? Refusal(JobContext job, FigmaClient client, string fileKey, IReadOnlyList<string> ids)
    {
        if (!client.HasToken)
            return new JobOutcome.Failed("figma_token_missing", "FIGMA_API_TOKEN is not set on this worker. Make a personal access token in Figma's settings, set it, and replay the job.");
        if (!FileKey().IsMatch(fileKey))
            return JobPayload.Fault(job, "file_key is not the key of a file: the part of its address after /design/ or /file/");
        return ids.Any(id => id is null || !NodeId().IsMatch(id)) ? JobPayload.Fault(job, "ids holds something that is not a node id such as 1:2") : null;
    }

    /// <summary>As the API writes it: addresses in the browser write <c>1-2</c> for <c>1:2</c>.</summary>
    public static string Id(string id) => DashedId().IsMatch(id) ? id.Replace('-', ':') : id;

    /// <summary>A path with those parameters that have a value.</summary>
    public static string Path(string path, params (string Name, string? Value)[] parameters)
    {
        var query = string.Join('&', parameters.Where(pair => pair.Value is not null).Select(pair => $"{pair.Name}={Uri.EscapeDataString(pair.Value!)}"));
        return query.Length == 0 ? path : $"{path}?{query}";
    }

    [GeneratedRegex("^[A-Za-z0-9]{1,128}$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex FileKey();

    [GeneratedRegex("^I?[0-9]+[:-][0-9]+(;[0-9]+:[0-9]+)*$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NodeId();

    [GeneratedRegex("^[0-9]+-[0-9]+$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex DashedId();
}
