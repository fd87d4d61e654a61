using System.Text.RegularExpressions;

namespace Cogo.Workers.BuildTest.Projects;

/// <summary>
/// The linter of a project: what it names itself, or the one that its files show it to use. A project that shows none
/// has none; nobody's rules are held against it.
/// </summary>
internal static partial class Linters
{
    private static readonly string[] _eslint = ["eslint.config.js", "eslint.config.mjs", "eslint.config.cjs", "eslint.config.ts", ".eslintrc.json", ".eslintrc.js", ".eslintrc.cjs", ".eslintrc.yml", ".eslintrc.yaml", ".eslintrc"];

    public static PlannedStage? Detect(ProjectPlan plan, ProjectFolder folder) => plan.Lint ?? plan.Kind switch
    {
        "dotnet" => Dotnet(plan, folder),
        "node" => Node(folder),
        "python" => Python(folder),
        "go" => folder.Has(".golangci.yml") || folder.Has(".golangci.yaml") ? Stage("golangci-lint", "run") : Stage("go", "vet", "./..."),
        "rust" => folder.Has("clippy.toml") || folder.Has(".clippy.toml") ? Stage("cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings") : null,
        "make" => LintTarget().IsMatch(folder.Text("Makefile") ?? "") ? Stage("make", "lint") : null,
        _ => null,
    };

    // Without an .editorconfig there are no rules that the project has chosen.
    private static PlannedStage? Dotnet(ProjectPlan plan, ProjectFolder folder) =>
        folder.Has(".editorconfig") && plan.Stages.FirstOrDefault(stage => stage.Name == PlannedStage.Restore) is { Arguments: [_, var target, ..] }
            ? Stage("dotnet", "format", target, "--verify-no-changes", "--no-restore") with { Environment = DotnetProject.Environment }
            : null;

    private static PlannedStage? Node(ProjectFolder folder)
    {
        if (NodeProject.HasScript(folder, "lint"))
            return Stage(folder.Has("pnpm-lock.yaml") ? "pnpm" : folder.Has("yarn.lock") ? "yarn" : "npm", "run", "lint");
        return _eslint.Any(folder.Has) ? Stage("npx", "--no-install", "eslint", ".") : null;
    }

    private static PlannedStage? Python(ProjectFolder folder)
    {
        if (folder.Has("ruff.toml") || folder.Has(".ruff.toml") || (folder.Text("pyproject.toml") ?? "").Contains("[tool.ruff", StringComparison.Ordinal))
            return Stage("ruff", "check", ".");
        return folder.Has(".flake8") || (folder.Text("setup.cfg") ?? "").Contains("[flake8]", StringComparison.Ordinal) || (folder.Text("tox.ini") ?? "").Contains("[flake8]", StringComparison.Ordinal)
            ? Stage("python3", "-m", "flake8")
            : null;
    }

    private static PlannedStage Stage(string tool, params string[] arguments) => new(PlannedStage.Lint, tool, arguments);

    [GeneratedRegex(@"^lint\s*:", RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LintTarget();
}
