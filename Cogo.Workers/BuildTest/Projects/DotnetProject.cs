using System.Text.Json;

namespace Cogo.Workers.BuildTest.Projects;

/// <summary>A solution or a project at the top of the folder, or the only test project below it.</summary>
internal static class DotnetProject
{
    private const int MaxDepth = 4;
    private static readonly string[] _projects = ["*.csproj", "*.fsproj", "*.vbproj"];

    /// <summary>The SDK's host: no installed SDK satisfies <c>global.json</c>.</summary>
    private const int SdkNotFound = 145;

    // Build servers are shared by all builds of a user: one of ours would die with the stage under the feet of another,
    // and one of another's would work outside our limits.
    private static readonly Dictionary<string, string?> _environment = new(StringComparer.Ordinal)
    {
        ["MSBUILDDISABLENODEREUSE"] = "1",
        ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0",
        ["UseSharedCompilation"] = "false",
        ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
        ["DOTNET_NOLOGO"] = "1",
        ["DOTNET_SKIP_FIRST_TIME_EXPERIENCE"] = "1",
        ["DOTNET_CLI_UI_LANGUAGE"] = "en",
    };

    /// <summary>For commands of cogo.json too, which call <c>dotnet</c> as they like.</summary>
    public static IReadOnlyDictionary<string, string?> Environment => _environment;

    public static (ProjectPlan? Plan, DetectionProblem? Problem)? Detect(ProjectFolder folder)
    {
        var solutions = Files(folder.Folder, ["*.slnx", "*.sln"]);
        // A solution in both formats is the same one.
        if (solutions.Select(Path.GetFileNameWithoutExtension).Distinct(StringComparer.Ordinal).Count() > 1)
            return (null, Several(solutions));
        if (solutions.Count > 0)
            return (Plan(folder, solutions.Find(name => name.EndsWith(".slnx", StringComparison.Ordinal)) ?? solutions[0]), null);

        var top = Files(folder.Folder, _projects);
        if (top.Count > 1)
            return (null, Several(top));
        if (top.Count == 1)
            return (Plan(folder, top[0]), null);

        var tests = Below(folder.Folder, MaxDepth).Where(IsTest).Take(2).ToList();
        return tests.Count switch
        {
            0 => null,
            1 => (Plan(folder, Path.GetRelativePath(folder.Folder, tests[0])), null),
            _ => (null, Several([.. tests.Select(test => Path.GetRelativePath(folder.Folder, test))])),
        };
    }

    private static ProjectPlan Plan(ProjectFolder folder, string target)
    {
        PlannedStage Stage(string name, params IEnumerable<string> arguments) => new(name, "dotnet", [.. arguments])
        {
            Environment = _environment,
            MissingTool = (SdkNotFound, "Install the .NET SDK that global.json asks for."),
        };

        // Under Microsoft.Testing.Platform the target is an option and TRX comes from an extension.
        string[] test = UsesTestingPlatform(folder)
            ? ["test", target.EndsWith("proj", StringComparison.Ordinal) ? "--project" : "--solution", target, "--no-build", "--results-directory", folder.Reports, "--report-trx"]
            : ["test", target, "--no-build", "--nologo", "--logger", "trx;LogFilePrefix=dotnet", "--results-directory", folder.Reports];
        return new ProjectPlan("dotnet",
        [
            Stage(PlannedStage.Restore, "restore", target),
            Stage(PlannedStage.Build, "build", target, "--no-restore", "--nologo"),
            Stage(PlannedStage.Test, test),
        ])
        {
            ReportAdvice = "dotnet test wrote no TRX: a test project must reference Microsoft.NET.Test.Sdk and its framework's adapter, or Microsoft.Testing.Extensions.TrxReport where global.json names Microsoft.Testing.Platform.",
        };
    }

    private static bool UsesTestingPlatform(ProjectFolder folder)
    {
        if (folder.Text("global.json") is not { } text)
            return false;
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("test", out var test)
                && test.ValueKind == JsonValueKind.Object
                && test.TryGetProperty("runner", out var runner)
                && runner.ValueKind == JsonValueKind.String
                && runner.ValueEquals("Microsoft.Testing.Platform");
        }
        catch (JsonException)
        {
            // The SDK itself will say so, with the place, in the first stage.
            return false;
        }
    }

    private static bool IsTest(string project)
    {
        if (new FileInfo(project).Length is 0 or > ProjectFolder.MaxTextBytes)
            return false;
        var text = File.ReadAllText(project);
        return text.Contains("Microsoft.NET.Test.Sdk", StringComparison.OrdinalIgnoreCase)
            || text.Contains("MSTest.Sdk", StringComparison.OrdinalIgnoreCase)
            || text.Contains("TUnit", StringComparison.Ordinal)
            || text.Contains("<IsTestProject>true", StringComparison.OrdinalIgnoreCase);
    }

    private static List<string> Files(string folder, string[] patterns) =>
        [.. patterns.SelectMany(pattern => Directory.EnumerateFiles(folder, pattern)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    private static IEnumerable<string> Below(string folder, int depth)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = depth, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true };
        return _projects.SelectMany(pattern => Directory.EnumerateFiles(folder, pattern, options))
            .Where(path => !path.Contains("/node_modules/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
    }

    private static DetectionProblem Several(IReadOnlyList<string> names) => new(
        FailureClass.Unsupported,
        $"There are several .NET solutions or projects ({string.Join(", ", names.Take(5))}) and it is not clear which to test: put the tests into one solution at the top, or name the commands in a cogo.json.");
}
