using System.Text;
using Cogo.Api.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Cogo.Api.Reference;

/// <summary>The API reference for people: Scalar, served whole from here, without a word to any other host.</summary>
internal static class ScalarEndpoints
{
    // No proxy, fonts, telemetry, assistant or client download: each of them would call another host.
    private const string Page = """
        <!doctype html>
        <html lang="en">
        <head>
          <meta charset="utf-8">
          <meta name="viewport" content="width=device-width, initial-scale=1">
          <title>Cogo API</title>
        </head>
        <body>
          <div id="app"></div>
          <script src="/scalar/standalone.js"></script>
          <script src="/scalar/start.js"></script>
        </body>
        </html>
        """;

    private const string Start = """
        Scalar.createApiReference('#app', {
          url: '/openapi/v1.json',
          withDefaultFonts: false,
          telemetry: false,
          hideClientButton: true,
          showDeveloperTools: 'never',
          agent: { disabled: true },
          mcp: { disabled: true },
          defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
        });
        """;

    private const string ContentSecurityPolicy =
        "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

    /// <summary>Where the build puts the bundle of the npm package <c>@scalar/api-reference</c>.</summary>
    private static readonly string Bundle = Path.Combine(AppContext.BaseDirectory, "scalar", "standalone.js");

    public static void MapScalar(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/scalar").ExcludeFromDescription();
        group.MapGet("/", ShowPage);
        group.MapGet("/standalone.js", ShowBundle);
        group.MapGet("/start.js", () => TypedResults.Text(Start, "text/javascript", Encoding.UTF8));
    }

    private static Results<ContentHttpResult, ProblemHttpResult> ShowPage(HttpResponse response)
    {
        if (!File.Exists(Bundle))
        {
            return Missing();
        }

        response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
        response.Headers.XContentTypeOptions = "nosniff";
        return TypedResults.Text(Page, "text/html", Encoding.UTF8);
    }

    private static Results<PhysicalFileHttpResult, ProblemHttpResult> ShowBundle() => File.Exists(Bundle)
        ? TypedResults.PhysicalFile(Bundle, "text/javascript", lastModified: new DateTimeOffset(File.GetLastWriteTimeUtc(Bundle)))
        : Missing();

    private static ProblemHttpResult Missing() => Problem.Of(
        StatusCodes.Status503ServiceUnavailable,
        "scalar_missing",
        "The page's bundle was not there at build time. Install Node.js with npm, run `npm ci --ignore-scripts` in the root of the repository, and build again. The document itself is at /openapi/v1.json.");
}
