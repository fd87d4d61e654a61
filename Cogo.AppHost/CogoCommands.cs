using System.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Cogo.AppHost;

/// <summary>Verbs of the command line as commands of the Aspire dashboard.</summary>
internal static class CogoCommands
{
    /// <summary>Runs <c>cogo</c> against the database and the API; what it says when it fails is shown.</summary>
    public static IResourceBuilder<ProjectResource> WithCogoCommand(
        this IResourceBuilder<ProjectResource> api, string name, string text, IResourceBuilder<IResourceWithConnectionString> database, params string[] arguments) =>
        api.WithCommand(
            name,
            text,
            async context =>
            {
                var connection = await database.Resource.GetConnectionStringAsync(context.CancellationToken);
                var (code, said) = await RunAsync(arguments, connection, api.GetEndpoint("http").Url, context.CancellationToken);
                return code == 0 ? CommandResults.Success() : CommandResults.Failure($"cogo ended with {code}: {said}");
            },
            new CommandOptions
            {
                UpdateState = state => state.ResourceSnapshot.HealthStatus == HealthStatus.Healthy ? ResourceCommandState.Enabled : ResourceCommandState.Disabled,
            });

    private static async Task<(int Code, string Said)> RunAsync(string[] arguments, string? connection, string url, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("dotnet", ["run", "--project", new Projects.Cogo_Cli().ProjectPath, "--no-build", "--", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        // By the environment: what stands on a command line is seen by everybody on the machine.
        start.Environment["ConnectionStrings__cogo"] = connection;
        start.Environment["COGO_URL"] = url;
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            var said = $"{await error} {await output}".Trim();
            return (process.ExitCode, said.Length <= 1000 ? said : said[^1000..]);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
