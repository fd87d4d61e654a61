using System.Text.RegularExpressions;
using System.Xml.Linq;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.House;

/// <summary>Holds the picture in docs/architecture.md: imports run one way.</summary>
public partial class ArchitectureTests
{
    public static TheoryData<string, string[]> Arrows => new()
    {
        { "Cogo.Core", [] },
        { "Cogo.ServiceDefaults", [] },
        { "Cogo.Api", ["Cogo.Core", "Cogo.ServiceDefaults"] },
        { "Cogo.Workers", ["Cogo.Core", "Cogo.ServiceDefaults"] },
        { "Cogo.RuntimeAgent", ["Cogo.Core", "Cogo.ServiceDefaults"] },
        { "Cogo.Cli", ["Cogo.Api", "Cogo.Core", "Cogo.ServiceDefaults", "Cogo.Workers"] },
        { "Cogo.AppHost", ["Cogo.Api", "Cogo.Cli", "Cogo.RuntimeAgent", "Cogo.Workers"] },
    };

    [Theory]
    [MemberData(nameof(Arrows))]
    public void A_project_imports_only_what_lies_below_it(string project, string[] below)
    {
        var imports = XDocument.Load(Path.Combine(Repository.Root, project, project + ".csproj"))
            .Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value))
            .ToList();

        Assert.Empty(imports.Except(below));
    }

    [Fact]
    public void Every_project_has_its_arrows_here()
    {
        var projects = Directory.EnumerateDirectories(Repository.Root, "Cogo.*").Select(Path.GetFileName).Where(name => !name!.EndsWith(".Tests", StringComparison.Ordinal));

        Assert.Equal(Arrows.Select(row => row.Data.Item1).Order(), projects.Order());
    }

    [Fact]
    public void The_core_knows_no_http_server()
    {
        var project = XDocument.Load(Path.Combine(Repository.Root, "Cogo.Core", "Cogo.Core.csproj"));

        Assert.Equal("Microsoft.NET.Sdk", project.Root!.Attribute("Sdk")!.Value);
        Assert.Empty(project.Descendants("FrameworkReference"));
    }

    [Fact]
    public void Workers_meet_on_the_bus_and_in_hosting_only()
    {
        var folders = Directory.EnumerateDirectories(Path.Combine(Repository.Root, "Cogo.Workers"))
            .Select(folder => Path.GetFileName(folder)!)
            .Where(name => name is not ("bin" or "obj" or "Hosting" or "Properties"))
            .ToList();
        Assert.Contains("Dispatcher", folders);

        var crossings =
            from folder in folders
            from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "Cogo.Workers", folder), "*.cs", SearchOption.AllDirectories)
            from Match match in WorkersNamespace().Matches(File.ReadAllText(file))
            where match.Groups["area"].Value != folder && folders.Contains(match.Groups["area"].Value)
            select $"{Path.GetRelativePath(Repository.Root, file)} → {match.Value}";

        Assert.Empty(crossings);
    }

    [GeneratedRegex(@"Cogo\.Workers\.(?<area>\w+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex WorkersNamespace();
}
