using System.CommandLine;
using System.Runtime.InteropServices;
using Cogo.Api;

namespace Cogo.Cli;

/// <summary><c>cogo version</c>.</summary>
internal static class VersionVerb
{
    public static Command Create(Terminal terminal)
    {
        var verb = new Command("version", "Print the version.");
        verb.SetAction(async (_, _) =>
        {
            await terminal.Out.WriteLineAsync($"cogo {CogoApi.Version} ({RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier})");
            return ExitCodes.Passed;
        });
        return verb;
    }
}
