namespace Cogo.Workers.BuildTest.Projects;

/// <summary>
/// Finds out what a folder is. <c>cogo.json</c> has the first word; then the first that fits of .NET, Node, Python,
/// Go, Rust and Make, by the files at the top of the folder.
/// </summary>
internal static class ProjectDetector
{
    /// <summary>Either a plan, or the problem with the folder.</summary>
    public static (ProjectPlan? Plan, DetectionProblem? Problem) Detect(ProjectFolder folder)
    {
        if (folder.Has(CogoJsonProject.FileName))
            return CogoJsonProject.Detect(folder);
        if (DotnetProject.Detect(folder) is { } dotnet)
            return dotnet;
        var plan = NodeProject.Detect(folder, out var problem);
        if (problem is not null)
            return (null, problem);
        plan ??= PythonProject.Detect(folder) ?? GoProject.Detect(folder) ?? RustProject.Detect(folder) ?? MakeProject.Detect(folder);
        return plan is not null
            ? (plan, null)
            : (null, new DetectionProblem(
                FailureClass.Unsupported,
                "It is not clear how to build and test this folder: there is no solution, package.json, pyproject.toml, go.mod, Cargo.toml or Makefile with a test target at its top. Add a cogo.json that names the commands, such as { \"test\": \"./run-tests\" }."));
    }
}
