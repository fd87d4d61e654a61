namespace Cogo.Workers.BuildTest.Projects;

/// <summary>A Go module. The evidence is the event stream of <c>go test -json</c>.</summary>
internal static class GoProject
{
    public static ProjectPlan? Detect(ProjectFolder folder)
    {
        if (folder.Text("go.mod") is not { } module)
            return null;
        List<PlannedStage> stages = [];
        if (module.Contains("require", StringComparison.Ordinal))
            stages.Add(new PlannedStage(PlannedStage.Restore, "go", ["mod", "download"]));
        stages.Add(new PlannedStage(PlannedStage.Build, "go", ["build", "./..."]));
        // Not from the cache: a cached result is no evidence that the tests ran here.
        stages.Add(new PlannedStage(PlannedStage.Test, "go", ["test", "-json", "-count=1", "./..."]) { OutputReport = "go-test.json" });
        return new ProjectPlan("go", stages);
    }
}
