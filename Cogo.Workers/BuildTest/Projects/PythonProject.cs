using System.Text.RegularExpressions;

namespace Cogo.Workers.BuildTest.Projects;

/// <summary>
/// Python with pytest or unittest. What the project requires is installed into a virtual environment outside the
/// working copy, which sees the machine's packages too.
/// </summary>
internal static partial class PythonProject
{
    public const string Runner = "python_tests.py";
    private static readonly string[] _requirements = ["requirements.txt", "requirements-dev.txt", "requirements-test.txt", "requirements_dev.txt", "requirements_test.txt", "dev-requirements.txt", "test-requirements.txt"];
    private static readonly string[] _marks = ["pyproject.toml", "setup.py", "setup.cfg", "pytest.ini", "tox.ini"];

    public static ProjectPlan? Detect(ProjectFolder folder)
    {
        var requirements = _requirements.Where(folder.Has).ToList();
        if (requirements.Count == 0 && !_marks.Any(folder.Has) && !HasTests(folder.Folder) && !HasTests(Path.Combine(folder.Folder, "tests")))
            return null;

        var project = folder.Text("pyproject.toml") ?? "";
        var installable = folder.Has("setup.py") || project.Contains("[build-system]", StringComparison.Ordinal);
        var missing = (127, "Install Python 3 with its venv module, and pytest where the tests need it (or list it in requirements-dev.txt).");
        List<PlannedStage> stages = [];
        var python = "python3";
        if (requirements.Count > 0 || installable)
        {
            python = Path.Combine(folder.Tools, "venv/bin/python");
            var what = string.Concat(requirements.Select(file => " -r " + file));
            if (installable)
                what += Extra().Match(project) is { Success: true } extra ? $" -e '.[{extra.Groups["name"].Value}]'" : " -e .";
            stages.Add(PlannedStage.Shell(
                PlannedStage.Restore,
                $"""python3 -m venv --system-site-packages "$COGO_TOOLS/venv" || exit 127; "$COGO_TOOLS/venv/bin/python" -m pip install --no-input --disable-pip-version-check{what}""") with
            { MissingTool = missing });
        }

        // Without an installation, the two usual layouts are importable.
        var path = installable ? null : folder.HasFolder("src") ? $"{folder.Folder}/src:{folder.Folder}" : folder.Folder;
        stages.Add(new PlannedStage(PlannedStage.Test, python, [Path.Combine(folder.Tools, Runner)])
        {
            Environment = new Dictionary<string, string?>(StringComparer.Ordinal) { ["PYTHONPATH"] = path, ["PYTHONUNBUFFERED"] = "1", ["PYTHONDONTWRITEBYTECODE"] = "1" },
            MissingTool = missing,
        });
        return new ProjectPlan("python", stages);
    }

    private static bool HasTests(string folder) =>
        Directory.Exists(folder) && (Directory.EnumerateFiles(folder, "test_*.py").Any() || Directory.EnumerateFiles(folder, "*_test.py").Any());

    [GeneratedRegex(@"^\[project\.optional-dependencies\]\s*\n(?:(?!\[).*\n)*?(?<name>tests|test|testing|dev)\s*=", RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Extra();
}
