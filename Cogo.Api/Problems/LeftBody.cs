using Cogo.Api.Limits;
using Microsoft.AspNetCore.Http.Features;

namespace Cogo.Api.Problems;

/// <summary>
/// Says <c>Connection: close</c> when a body that may be over the limit is refused before its end was seen: the server closes
/// such a connection once the rest proves too long, and a client that knew nothing may be sending its next request on it.
/// </summary>
internal static class LeftBody
{
    public static IApplicationBuilder UseLeftBody(this IApplicationBuilder app)
    {
        var limit = app.ApplicationServices.GetRequiredService<ApiLimits>().BodyLimitBytes;
        return app.Use((context, next) =>
        {
            var request = context.Request;
            if (request.Protocol == HttpProtocol.Http11
                && context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true
                && (request.ContentLength is not { } length || length > limit))
            {
                context.Response.OnStarting(() =>
                {
                    if (context.Response.StatusCode >= StatusCodes.Status400BadRequest)
                    {
                        context.Response.Headers.Connection = "close";
                    }

                    return Task.CompletedTask;
                });
            }

            return next(context);
        });
    }
}
