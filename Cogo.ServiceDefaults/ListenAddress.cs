using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace Cogo.ServiceDefaults;

/// <summary>
/// Where a program listens: <c>ASPNETCORE_URLS</c> or <c>--urls</c> as for any web program, else every address on
/// <c>PORT</c> or <c>HTTP_PORTS</c>, else this machine only, on a port of the program's own.
/// </summary>
public static class ListenAddress
{
    /// <summary>False, with a sentence, when a port is no port.</summary>
    /// <param name="defaultPort">0 takes any free one.</param>
    public static bool TryApply(WebApplicationBuilder builder, int defaultPort, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(builder);
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

        builder.WebHost.UseUrls(defaultPort == 0 ? "http://127.0.0.1:0" : $"http://localhost:{defaultPort}");
        return true;
    }
}
