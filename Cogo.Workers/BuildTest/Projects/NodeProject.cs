using System.Text.Json;
using System.Text.RegularExpressions;

namespace Cogo.Workers.BuildTest.Projects;

/// <summary>
/// Node: the lock file names the package manager, and the test script's own runner is asked for a report beside its
/// usual output: node --test, Vitest, Jest, Mocha and Playwright. Another runner must leave a report by itself.
/// </summary>
internal static partial class NodeProject
{
    public const string JestReporter = "jest-reporter.cjs";

    public static ProjectPlan? Detect(ProjectFolder folder, out DetectionProblem? problem)
    {
        problem = null;
        if (folder.Text("package.json") is not { } text)
            return null;
        try
        {
            using var document = JsonDocument.Parse(text);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                throw new JsonException("it is not an object");
            return Plan(folder, root);
        }
        catch (JsonException e)
        {
            problem = new DetectionProblem(FailureClass.Unsupported, $"package.json does not read as JSON: {e.Message} Correct it, or name the commands in a cogo.json.");
            return null;
        }
    }

    public static bool HasScript(ProjectFolder folder, string name)
    {
        using var document = JsonDocument.Parse(folder.Text("package.json") ?? "{}");
        return Script(document.RootElement, name) is not null;
    }

    private static ProjectPlan Plan(ProjectFolder folder, JsonElement root)
    {
        List<PlannedStage> stages = [];
        var manager = folder.Has("pnpm-lock.yaml") ? "pnpm" : folder.Has("yarn.lock") ? "yarn" : "npm";
        var locked = folder.Has("package-lock.json") || folder.Has("npm-shrinkwrap.json");
        if (manager == "pnpm")
            stages.Add(new PlannedStage(PlannedStage.Restore, "pnpm", ["install", "--frozen-lockfile"]));
        else if (manager == "yarn")
            stages.Add(new PlannedStage(PlannedStage.Restore, "yarn", ["install", folder.Has(".yarnrc.yml") ? "--immutable" : "--frozen-lockfile"]));
        else if (locked)
            stages.Add(new PlannedStage(PlannedStage.Restore, "npm", ["ci", "--no-audit", "--no-fund"]));
        else if (HasAny(root, "dependencies") || HasAny(root, "devDependencies") || HasAny(root, "workspaces"))
            stages.Add(new PlannedStage(PlannedStage.Restore, "npm", ["install", "--no-audit", "--no-fund", "--no-package-lock"]));

        if (Script(root, "build") is not null)
            stages.Add(new PlannedStage(PlannedStage.Build, manager, ["run", "build"]));
        stages.Add(Test(folder, root, manager));
        return new ProjectPlan("node", stages)
        {
            Reports = MakeProject.UsualReports,
            ReportAdvice = "Use a test runner with a report (node --test, Vitest, Jest, Mocha and Playwright are asked for one), or name the command and its report in a cogo.json.",
        };
    }

    private static PlannedStage Test(ProjectFolder folder, JsonElement root, string manager)
    {
        var script = Script(root, "test");
        var report = Path.Combine(folder.Reports, "node.xml");
        string[] reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout", "--test-reporter=junit", "--test-reporter-destination=" + report];
        // npm init writes a script that only says there are no tests.
        if (script is null || script.Contains("no test specified", StringComparison.Ordinal))
            return new PlannedStage(PlannedStage.Test, "node", [.. reporters, "--test"]);

        if (NodeTest().IsMatch(script) && !script.Contains("--test-reporter", StringComparison.Ordinal) && Script(root, "pretest") is null && Script(root, "posttest") is null)
        {
            // Options of node must come before the files, so they cannot be appended to the script.
            var path = $"{folder.Folder}/node_modules/.bin:{Environment.GetEnvironmentVariable("PATH")}";
            var options = string.Join(' ', reporters.SkipLast(1)) + " \"--test-reporter-destination=$COGO_RESULTS/node.xml\"";
            return PlannedStage.Shell(PlannedStage.Test, NodeTest().Replace(script, "${before}node " + options, 1)) with
            {
                Environment = new Dictionary<string, string?>(StringComparer.Ordinal) { ["PATH"] = path },
            };
        }

        string[] added = Runner().Match(script).Groups["name"].Value switch
        {
            "vitest" => [.. Regex.IsMatch(script, @"\bvitest\s+(run|--run)|--run\b", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)) ? Array.Empty<string>() : ["--run"], "--reporter=default", "--reporter=junit", "--outputFile.junit=" + report],
            "jest" or "react-scripts" => ["--ci", "--reporters=default", "--reporters=" + Path.Combine(folder.Tools, JestReporter)],
            "mocha" => ["--reporter", "xunit", "--reporter-option", "output=" + report],
            "playwright" => ["--reporter=list,junit"],
            _ => [],
        };
        // npm needs the -- that yarn and pnpm would hand on.
        return new PlannedStage(PlannedStage.Test, manager, ["test", .. added.Length > 0 && manager == "npm" ? ["--"] : Array.Empty<string>(), .. added])
        {
            Environment = new Dictionary<string, string?>(StringComparer.Ordinal) { ["PLAYWRIGHT_JUNIT_OUTPUT_NAME"] = report },
        };
    }

    private static bool HasAny(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value)
        && (value.ValueKind == JsonValueKind.Object ? value.EnumerateObject().Any() : value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0);

    private static string? Script(JsonElement root, string name) =>
        root.TryGetProperty("scripts", out var scripts) && scripts.ValueKind == JsonValueKind.Object
        && scripts.TryGetProperty(name, out var script) && script.ValueKind == JsonValueKind.String
        && script.GetString() is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;

    [GeneratedRegex(@"(?<before>^|&&\s*|;\s*|\s)node(?=\s([^&|;]*\s)?--test(\s|$))", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NodeTest();

    // The last command of the script is the one that gets what is appended.
    [GeneratedRegex(@"(^|[&;\s])(?<name>vitest|jest|react-scripts|mocha|playwright)(\s[^&;|]*)?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Runner();
}
