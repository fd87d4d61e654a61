using System.Text;
using Cogo.Core.Jobs;
using Cogo.Core.Notifications;

namespace Cogo.Workers.Jobs.Notify;

/// <summary>The picture of a week as it is told.</summary>
/// <param name="Path">Of the artifact.</param>
/// <param name="Url">Where readers see it; null: nobody said where they reach the API.</param>
/// <param name="Svg">The whole picture.</param>
internal sealed record NotifyPicture(string ContentType, string Path, Uri? Url, string Svg)
{
    /// <summary>What links say.</summary>
    public const string Name = "Picture of the week";

    private const string File = "week.svg";

    /// <summary>
    /// Draws it and keeps it as an artifact of the job. It is drawn here, from figures, since a picture that came with a
    /// payload could be anything.
    /// </summary>
    public static async Task<NotifyPicture> KeepAsync(JobContext job, WeekFigures week, NotifyOptions options, CancellationToken cancellationToken)
    {
        var svg = WeekPicture.Svg(week with
        {
            Title = options.Redacted(week.Title),
            Rules = [.. week.Rules.Select(rule => rule with { Name = options.Redacted(rule.Name), Expected = options.Redacted(rule.Expected), Actual = options.Redacted(rule.Actual) })],
        });
        using var content = new MemoryStream(Encoding.UTF8.GetBytes(svg));
        var artifact = await job.SaveArtifactAsync(File, content, WeekPicture.ContentType, cancellationToken);
        var address = options.PublicAddress is { } own ? new Uri($"{own.AbsoluteUri.TrimEnd('/')}/artifacts/{artifact.Path}") : null;
        return new NotifyPicture(WeekPicture.ContentType, artifact.Path, address, svg);
    }
}
