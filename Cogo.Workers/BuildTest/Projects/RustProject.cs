namespace Cogo.Workers.BuildTest.Projects;

/// <summary>
/// A Cargo package or workspace. Stable <c>cargo test</c> has no report, but cargo runs each test binary through a
/// runner of one's choice, and ours asks the binary's own harness for JUnit XML. Doc tests have no harness and are
/// left out; a target with <c>harness = false</c> needs a cogo.json.
/// </summary>
internal static class RustProject
{
    public const string Runner = "cargo-runner.sh";

    public static ProjectPlan? Detect(ProjectFolder folder)
    {
        if (!folder.Has("Cargo.toml"))
            return null;
        string[] locked = folder.Has("Cargo.lock") ? ["--locked"] : [];
        var runner = $"target.'cfg(all())'.runner=['sh','{Path.Combine(folder.Tools, Runner)}']";
        return new ProjectPlan("rust",
        [
            new PlannedStage(PlannedStage.Restore, "cargo", ["fetch", .. locked]),
            new PlannedStage(PlannedStage.Build, "cargo", ["test", "--workspace", "--tests", "--no-run", .. locked]),
            new PlannedStage(PlannedStage.Test, "cargo", ["test", "--workspace", "--tests", "--no-fail-fast", .. locked, "--config", runner]),
        ])
        {
            ReportAdvice = "Tests of Rust are counted by their standard harness: for a target with 'harness = false', name the command and its report in a cogo.json.",
        };
    }
}
