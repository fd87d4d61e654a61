using System.Globalization;

namespace Cogo.Api;

/// <summary>
/// Where the API listens: <c>ASPNETCORE_URLS</c> or <c>--urls</c> as for any web program, else every address on
/// <c>PORT</c> or <c>HTTP_PORTS</c>, else this machine only, on port 3000.
/// </summary>
internal static class ListenAddress
{
    private const int DefaultPort = 3000;

    /// <summary>False, with a sentence, when a port is no port.</summary>
    public static bool TryApply(WebApplicationBuilder builder, out string? problem)
    {
        problem = null;
        var configuration = builder.Configuration;
        if (!string.IsNullOrWhiteSpace(configuration[WebHostDefaults.ServerUrlsKey]))
        {
            return true;
        }

        foreach (var setting in new[] { "PORT", WebHostDefaults.HttpPortsKey })
        {
            if (configuration[setting] is not { Length: > 0 } text)
            {
                continue;
            }

            var urls = new List<string>();
            foreach (var part in text.Split([';', ','], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            {
                if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port > 65_535)
                {
                    problem = $"{setting.ToUpperInvariant()} is '{text}', and '{part}' is no port: set it to a number from 0 to 65535.";
                    return false;
                }

                urls.Add($"http://*:{port}");
            }

            builder.WebHost.UseUrls([.. urls]);
            return true;
        }

        builder.WebHost.UseUrls($"http://localhost:{DefaultPort}");
        return true;
    }
}
