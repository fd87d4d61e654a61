using System.ComponentModel;
using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Core.Admin;
using Cogo.Core.Gates;
using Cogo.Core.Metrics;
using Cogo.Core.Notifications;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Admin;

/// <summary><c>/api/admin/notify/weekly</c> and <c>/api/admin/weekly/enqueue</c>: the report of the last seven days.</summary>
internal static class WeeklyEndpoints
{
    private const string PicturePath = "/api/admin/notify/weekly/picture";

    public static void MapWeekly(this IEndpointRouteBuilder group)
    {
        group.MapGet("/notify/weekly", PreviewAsync)
            .WithName("adminWeeklyPreview")
            .WithSummary("The weekly report as it would be sent now")
            .WithDescription("Text and figures of the last seven days; sends nothing. `links.picture` draws the figures.")
            .WithExamples(null, StatusCodes.Status200OK, AdminExamples.Weekly);
        group.MapGet("/notify/weekly/picture", PictureAsync)
            .WithName("adminWeeklyPicture")
            .WithSummary("The picture of the week")
            .WithDescription("SVG: tasks a day, pass rate, p90 and gates below each, and the rules of the gate. It follows the reader's light or dark scheme.")
            .Produces<string>(StatusCodes.Status200OK, WeekPicture.ContentType);
        Sends(group.MapPost("/notify/weekly", SendAsync)
            .WithName("adminWeeklySend")
            .WithSummary("Send the weekly report now")
            .WithDescription("As `cogo notify weekly`: puts the report of the last seven days on the job queue, however often it is called."));
        Sends(group.MapPost("/weekly/enqueue", EnqueueAsync)
            .WithName("adminWeeklyEnqueue")
            .WithSummary("Send the weekly report once a calendar week")
            .WithDescription("As `cogo weekly enqueue`: within one ISO week the second call is answered with the first one's job and `duplicate`."));
    }

    private static void Sends(RouteHandlerBuilder endpoint) => endpoint
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
        .WithExamples(null, StatusCodes.Status202Accepted, AdminExamples.WeeklyAccepted);

    private static async Task<Ok<WeeklyPreview>> PreviewAsync(
        MetricsReader metrics, QualityThresholds thresholds, TimeProvider time, CancellationToken cancellationToken)
    {
        var report = await WeekReport.ReadAsync(metrics, thresholds, time, cancellationToken);
        return TypedResults.Ok(new WeeklyPreview(report.Week, report.Subject, report.Text, report.Figures, new WeeklyLinks(PicturePath)));
    }

    private static async Task<ContentHttpResult> PictureAsync(
        HttpResponse response, MetricsReader metrics, QualityThresholds thresholds, TimeProvider time, CancellationToken cancellationToken)
    {
        var report = await WeekReport.ReadAsync(metrics, thresholds, time, cancellationToken);
        response.Headers.XContentTypeOptions = "nosniff";
        // It needs its own style and nothing else.
        response.Headers.ContentSecurityPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'";
        return TypedResults.Text(WeekPicture.Svg(report.Figures), WeekPicture.ContentType, System.Text.Encoding.UTF8);
    }

    private static Task<Results<Accepted<NotificationAccepted>, ProblemHttpResult>> SendAsync(
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Description)] string? idempotencyKey,
        HttpContext context,
        AdminRequests requests,
        MetricsReader metrics,
        QualityThresholds thresholds,
        TimeProvider time,
        CancellationToken cancellationToken) =>
        DeliverAsync("notify_weekly", once: false, idempotencyKey, context, requests, () => WeekReport.ReadAsync(metrics, thresholds, time, cancellationToken), cancellationToken);

    private static Task<Results<Accepted<NotificationAccepted>, ProblemHttpResult>> EnqueueAsync(
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Description)] string? idempotencyKey,
        HttpContext context,
        AdminRequests requests,
        MetricsReader metrics,
        QualityThresholds thresholds,
        TimeProvider time,
        CancellationToken cancellationToken) =>
        DeliverAsync("weekly_enqueue", once: true, idempotencyKey, context, requests, () => WeekReport.ReadAsync(metrics, thresholds, time, cancellationToken), cancellationToken);

    private static async Task<Results<Accepted<NotificationAccepted>, ProblemHttpResult>> DeliverAsync(
        string action, bool once, string? key, HttpContext context, AdminRequests requests, Func<Task<WeekReport>> read, CancellationToken cancellationToken)
    {
        if (IdempotencyKey.Problem(key) is { } wrong)
        {
            return Problem.Invalid(IdempotencyKey.Header, wrong);
        }

        var report = await read();
        return await NotifyEndpoints.EnqueueAsync(
            context, requests, action, "", key, () => Task.FromResult((report.ToNotification(), (GateVerdict?)report.Figures.Verdict)), once ? report.OnceKey : null, cancellationToken);
    }
}
