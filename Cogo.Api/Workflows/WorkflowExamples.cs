namespace Cogo.Api.Workflows;

/// <summary>Examples of the OpenAPI document.</summary>
internal static class WorkflowExamples
{
    public const string RunId = "run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b";

    public const string ExecuteRequest = """
        {
          "template": "codeBuildTest",
          "repo": "/srv/repositories/calculator",
          "base": "main",
          "engine": "openai",
          "task": "add() subtracts. Make it add.",
          "max_repairs": 2
        }
        """;

    public const string Accepted = """
        {
          "run_id": "run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b",
          "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
          "task_id": "run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b",
          "status": "running",
          "duplicate": false,
          "links": {
            "run": "/api/workflows/run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b",
            "events": "/api/workflows/run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b/events",
            "trace": "/api/metrics/trace/4bf92f3577b34da6a3ce929d0e0e4736",
            "gate": "/api/workflows/gate?run_id=run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b"
          }
        }
        """;

    public const string Templates = """
        {
          "templates": [
            {
              "name": "codeBuildTest",
              "summary": "Make a change, build it and test it; on a red report codegen gets the failures and tries again.",
              "available": true,
              "steps": [
                { "name": "codegen", "does": "Makes the change on a fresh copy of the base and stores it as a diff", "route": "codegen/generate/0", "workers": 1 },
                { "name": "build-test", "does": "Applies the stored diff to a fresh copy, builds it and runs its tests", "route": "code/build-test/0", "workers": 1 }
              ],
              "repairs": true
            }
          ]
        }
        """;

    public const string Run = """
        {
          "run_id": "run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b",
          "template": "codeBuildTest",
          "status": "running",
          "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
          "task_id": "fix-add",
          "repo": "/srv/repositories/calculator",
          "engine": "openai",
          "task": "add() subtracts. Make it add.",
          "attempt": 1,
          "max_repairs": 2,
          "repairs_left": 2,
          "created_at": "2026-01-05T09:00:00.000000+00:00",
          "steps": [
            {
              "step": 1,
              "name": "codegen",
              "attempt": 1,
              "status": "running",
              "route": "codegen/generate/0",
              "task_id": "fix-add",
              "message_id": 42,
              "started_at": "2026-01-05T09:00:00.000000+00:00",
              "artifacts": "/api/artifacts/index?task_id=fix-add"
            }
          ],
          "links": {
            "run": "/api/workflows/run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b",
            "events": "/api/workflows/run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b/events",
            "trace": "/api/metrics/trace/4bf92f3577b34da6a3ce929d0e0e4736",
            "gate": "/api/workflows/gate?run_id=run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b"
          }
        }
        """;

    public const string Gate = """
        {
          "run_id": "run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b",
          "status": "failed",
          "verdict": "fail",
          "reason": "2 of 6 tests failed. 2 repairs were tried.",
          "rules": [
            { "name": "build_test", "expected": "passed", "actual": "failed", "verdict": "fail", "reason": "2 of 6 tests failed." },
            { "name": "tests_run", "expected": "at least 1", "actual": "6", "verdict": "pass", "reason": "6 tests were run." },
            { "name": "tests_failing", "expected": "0", "actual": "2", "verdict": "fail", "reason": "2 tests failed or broke." }
          ]
        }
        """;

    public const string Cancelled = """
        {
          "run_id": "run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b",
          "template": "codeBuildTest",
          "status": "cancelled",
          "code": "cancelled",
          "reason": "Not needed any more.",
          "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
          "task_id": "fix-add",
          "repo": "/srv/repositories/calculator",
          "engine": "openai",
          "task": "add() subtracts. Make it add.",
          "attempt": 1,
          "max_repairs": 2,
          "repairs_left": 2,
          "created_at": "2026-01-05T09:00:00.000000+00:00",
          "ended_at": "2026-01-05T09:00:31.000000+00:00",
          "steps": [],
          "links": {
            "run": "/api/workflows/run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b",
            "events": "/api/workflows/run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b/events",
            "trace": "/api/metrics/trace/4bf92f3577b34da6a3ce929d0e0e4736",
            "gate": "/api/workflows/gate?run_id=run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b"
          }
        }
        """;

    public const string Listing = """
        {
          "runs": [
            {
              "run_id": "run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b",
              "template": "codeBuildTest",
              "status": "passed",
              "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
              "task_id": "fix-add",
              "repo": "/srv/repositories/calculator",
              "engine": "openai",
              "attempt": 1,
              "max_repairs": 2,
              "repairs_left": 2,
              "created_at": "2026-01-05T09:00:00.000000+00:00",
              "ended_at": "2026-01-05T09:01:12.000000+00:00",
              "links": {
                "run": "/api/workflows/run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b",
                "events": "/api/workflows/run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b/events",
                "trace": "/api/metrics/trace/4bf92f3577b34da6a3ce929d0e0e4736",
                "gate": "/api/workflows/gate?run_id=run-019b8d0c5f3a7c1e9d2a4b6c8e0f1a2b"
              }
            }
          ],
          "next_cursor": "cnVucwpydW4tMDE5YjhkMGM1ZjNhN2MxZTlkMmE0YjZjOGUwZjFhMmI"
        }
        """;
}
