using Microsoft.Net.Http.Headers;

namespace Cogo.Api.Problems;

/// <summary>Refuses bodies in an encoding that there is not, which the framework would take for a fault of the server.</summary>
internal static class KnownCharset
{
    public static IApplicationBuilder UseKnownCharset(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type) && type.Charset.HasValue && type.Encoding is null)
        {
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return Task.CompletedTask;
        }

        return next(context);
    });
}
