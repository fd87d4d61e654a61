using System.Text.RegularExpressions;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.House;

/// <summary>docs/configuration.md lists what the programs read, and nothing that they do not.</summary>
public partial class ConfigurationTests
{
    /// <summary>Not settings of Cogo: of the system, of tools that it starts, or names of the command line's own options.</summary>
    private static readonly HashSet<string> Foreign =
    [
        "XDG_CACHE_HOME", "GIT_SSH_COMMAND", "GIT_SSH", "APP_UID",
    ];

    [Fact]
    public void Every_setting_that_is_read_is_in_the_reference()
    {
        var listed = Listed();
        var missing = Sources().SelectMany(file => Reads().Matches(File.ReadAllText(file)).Select(match => (Name: match.Groups["name"].Value, File: Path.GetFileName(file))))
            .Where(setting => !listed.Contains(setting.Name) && !Foreign.Contains(setting.Name))
            .Distinct();

        Assert.Empty(missing);
    }

    [Fact]
    public void Every_setting_in_the_reference_is_read()
    {
        var literals = Repository.SourceFiles().Where(file => !file.Contains("Tests", StringComparison.Ordinal)).SelectMany(file => Literals().Matches(File.ReadAllText(file)).Select(match => match.Groups["name"].Value)).ToHashSet();
        // Read by the framework and the telemetry library themselves.
        string[] framework = ["ASPNETCORE_URLS", "HTTP_PORTS"];

        var own = Listed().Except(framework)
            .Where(name => !name.StartsWith("OTEL_", StringComparison.Ordinal) && !name.StartsWith("ConnectionStrings", StringComparison.Ordinal));
        Assert.Equal([], own.Where(name => !literals.Contains(name)));
    }

    private static HashSet<string> Listed() =>
        [.. Names().Matches(File.ReadAllText(Repository.PathOf("docs/configuration.md"))).Select(match => match.Groups["name"].Value)];

    private static IEnumerable<string> Sources() => Repository.SourceFiles()
        .Where(file => Path.GetRelativePath(Repository.Root, file).Split(Path.DirectorySeparatorChar)[0] is "Cogo.Api" or "Cogo.Core" or "Cogo.ServiceDefaults" or "Cogo.Workers" or "Cogo.RuntimeAgent");

    [GeneratedRegex("""(onfiguration\[|GetEnvironmentVariable\(|variable\()"(?<name>[A-Z][A-Z0-9]*(_[A-Z0-9]+)+)""" + "\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Reads();

    [GeneratedRegex("\"(?<name>[A-Z][A-Z0-9]*(_[A-Z0-9]+)*)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Literals();

    [GeneratedRegex("`(?<name>[A-Z][A-Za-z0-9]*(_[A-Za-z0-9]+)+|PORT|HEADLESS)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Names();
}
