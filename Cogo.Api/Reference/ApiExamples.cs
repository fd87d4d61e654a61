namespace Cogo.Api.Reference;

/// <summary>The examples of the OpenAPI document. A test sends and reads them, so they stay true.</summary>
internal static class ApiExamples
{
    public const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";

    public const string CodeBuildTestRequest = """
        {
          "repo": "/srv/repositories/calculator",
          "base": "main",
          "engine": "patch",
          "patch": "--- a/add.js\n+++ b/add.js\n@@ -1 +1 @@\n-module.exports = (a, b) => a - b;\n+module.exports = (a, b) => a + b;\n",
          "task_id": "fix-add"
        }
        """;

    public const string PipelineExecuteRequest = """
        {
          "pipeline": "codeBuildTest",
          "repo": "/srv/repositories/calculator",
          "engine": "command",
          "command": "sed -i 's/a - b/a + b/' add.js"
        }
        """;

    public const string CodeBuildTestAccepted = """
        {
          "task_id": "fix-add",
          "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
          "message_id": 42,
          "duplicate": false,
          "links": {
            "trace": "/api/metrics/trace/4bf92f3577b34da6a3ce929d0e0e4736",
            "artifacts": "/api/artifacts/index?task_id=fix-add"
          }
        }
        """;

    public const string Trace = """
        {
          "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
          "task_id": "fix-add",
          "verdict": "passed",
          "started_at": "2026-01-05T09:00:00.000000+00:00",
          "ended_at": "2026-01-05T09:00:04.210000+00:00",
          "timeline": [
            {
              "at": "2026-01-05T09:00:00.000000+00:00",
              "kind": "event",
              "id": 100,
              "type": "execute_enqueued",
              "route": "orchestrator/execute/0",
              "message_id": 42
            },
            {
              "at": "2026-01-05T09:00:04.210000+00:00",
              "kind": "event",
              "id": 108,
              "type": "buildtest_done",
              "route": "code/build-test/0",
              "message_id": 44,
              "attempt": 1,
              "worker": "worker-1",
              "data": { "verdict": "passed" }
            }
          ],
          "has_more": false
        }
        """;
}
