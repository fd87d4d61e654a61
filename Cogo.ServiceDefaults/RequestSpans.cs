using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace Cogo.ServiceDefaults;

/// <summary>Describes the framework's request spans by the HTTP conventions of OpenTelemetry.</summary>
public static class RequestSpans
{
    /// <summary>
    /// Names them by method and route template, such as <c>POST /api/pipeline/codeBuildTest</c>, never by the path
    /// itself, of which there are too many. Goes first, so that it sees the final status. Where nobody listens to spans and
    /// the framework makes none, a caller's trace goes on all the same.
    /// </summary>
    public static IApplicationBuilder UseCogoRequestSpans(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        using var callers = Activity.Current is null ? CallersTrace(context.Request) : null;
        try
        {
            await next(context);
        }
        finally
        {
            Describe(context);
        }
    });

    private static Activity? CallersTrace(HttpRequest request) =>
        ActivityContext.TryParse(request.Headers.TraceParent, request.Headers.TraceState, isRemote: true, out var caller)
            ? new Activity("request").SetParentId(caller.TraceId, caller.SpanId, caller.TraceFlags).Start()
            : null;

    private static void Describe(HttpContext context)
    {
        if (context.Features.Get<IHttpActivityFeature>()?.Activity is not { IsAllDataRequested: true } activity)
        {
            return;
        }

        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
        activity.DisplayName = route is null ? context.Request.Method : $"{context.Request.Method} {route}";
        activity.SetTag("http.request.method", context.Request.Method)
            .SetTag("http.response.status_code", context.Response.StatusCode)
            .SetTag("http.route", route);
    }
}
