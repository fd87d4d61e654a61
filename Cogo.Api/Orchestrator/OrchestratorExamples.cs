namespace Cogo.Api.Orchestrator;

/// <summary>Examples of the OpenAPI document.</summary>
internal static class OrchestratorExamples
{
    public const string PlanRequest = """
        {
          "repo": "/srv/repositories/calculator",
          "task": "add() subtracts. Make it add.",
          "acceptance": ["add(1, 2) is 3", "no other function changes"],
          "engine": "command",
          "command": "my-agent --headless"
        }
        """;

    public const string Plan = """
        {
          "planner": "template",
          "template": "codeBuildTest",
          "reason": "The command engine needs no index: the change is made and proved by the repository's own tests.",
          "steps": [
            { "step": 1, "name": "codegen", "route": "codegen/generate/0", "reason": "The command engine makes the change on a copy of HEAD; the repository itself is not touched." },
            { "step": 2, "name": "build-test", "route": "code/build-test/0", "reason": "What was accepted is checked by tests, so they are run on a fresh copy; what is red goes back to codegen, 2 times at most." }
          ],
          "execute": {
            "method": "POST",
            "path": "/api/workflows/execute",
            "body": {
              "template": "codeBuildTest",
              "repo": "/srv/repositories/calculator",
              "engine": "command",
              "command": "my-agent --headless",
              "task": "add() subtracts. Make it add.\n\nIt is done when:\n- add(1, 2) is 3\n- no other function changes",
              "allow_dirty": false,
              "max_repairs": 2
            }
          }
        }
        """;

    public const string State = """
        {
          "runs": { "running": 1, "passed": 12, "failed": 2 },
          "steps": [{ "name": "build-test", "count": 1, "oldest_since": "2026-01-05T09:00:02.100000+00:00" }],
          "routes": [
            { "route": "orchestrator/execute/0", "workers": 1 },
            { "route": "workflow/indexing/0", "workers": 0 },
            { "route": "codegen/generate/0", "workers": 1 },
            { "route": "code/build-test/0", "workers": 1 },
            { "route": "workflow/run/0", "workers": 1 }
          ],
          "templates": ["codeBuildTest"]
        }
        """;

    public const string ExecuteRequest = """
        {
          "target": "codegen/generate/0",
          "next": "code/build-test/0",
          "repo": "/srv/repositories/calculator",
          "engine": "command",
          "command": "sed -i 's/a - b/a + b/' add.js",
          "max_attempts": 3,
          "ttl_seconds": 3600
        }
        """;
}
