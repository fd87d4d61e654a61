namespace Cogo.Api.Metrics;

/// <summary>The examples of the metrics in the OpenAPI document.</summary>
internal static class MetricsExamples
{
    private const string Span = """
        "window": "24h", "since": "2026-01-04T09:00:00.000000+00:00", "until": "2026-01-05T09:05:00.000000+00:00"
        """;

    private const string Latencies = """
        [
          { "stage": "queue_wait", "count": 120, "p50_ms": 4, "p90_ms": 9, "p99_ms": 31, "max_ms": 40 },
          { "stage": "end_to_end", "count": 40, "p50_ms": 3120, "p90_ms": 8040, "p99_ms": 15210, "max_ms": 15210 }
        ]
        """;

    private const string Q1Rule = """
        { "name": "q1_pass_rate", "expected": ">= 70 %", "actual": "90 %", "verdict": "pass", "reason": "36 of 40 traces passed their last gate within 24h." }
        """;

    public const string Summary = $$"""
        {
          {{Span}},
          "tasks": { "ended": 42, "passed": 36, "failed": 4, "invalid": 1, "infrastructure": 1, "running": 2, "retries": 3, "failure_rate": 0.0238, "pass_rate": 0.9 },
          "latency": {{Latencies}},
          "decision_quality": { "score": 0.9398, "judged": 83, "held": 78 },
          "gates": { "passed": 36, "failed": 4, "pass_rate": 0.9 }
        }
        """;

    public const string Latency = $$"""
        {
          {{Span}},
          "stages": {{Latencies}},
          "breakdown": [
            { "stage": "queue_wait", "route": "codegen/generate/0", "tenant": "shop", "count": 40, "p50_ms": 4, "p90_ms": 8, "p99_ms": 12, "max_ms": 12 }
          ]
        }
        """;

    public const string DecisionQuality = $$"""
        {
          {{Span}},
          "score": 0.9398, "judged": 83, "held": 78,
          "decisions": [
            { "kind": "codegen", "engine": "patch", "judged": 40, "held": 36, "score": 0.9 },
            { "kind": "dispatch", "judged": 42, "held": 41, "score": 0.9762 },
            { "kind": "verdict", "judged": 1, "held": 1, "score": 1 }
          ]
        }
        """;

    public const string Events = """
        {
          "events": [
            {
              "at": "2026-01-05T09:00:04.210000+00:00", "id": 108, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "type": "buildtest_done",
              "message_id": 44, "route": "code/build-test/0", "attempt": 1, "worker": "worker-1", "queued_ms": 4, "ran_ms": 2210,
              "data": { "verdict": "passed" }
            }
          ],
          "next_cursor": "NjM5MDMxOTI4MDQyMTAwMDAwIDEwOA"
        }
        """;

    public const string GateSummary = $$"""
        {
          {{Span}},
          "all": { "passed": 36, "failed": 4, "pass_rate": 0.9 },
          "gates": [{ "gate": "build-test", "passed": 36, "failed": 4, "pass_rate": 0.9 }],
          "q1": { "gate": "q1", "verdict": "pass", "window": "24h", "rules": [{{Q1Rule}}] },
          "acceptance": { "gate": "acceptance", "verdict": "pass", "window": "24h", "rules": [{{Q1Rule}}] }
        }
        """;

    public const string GateRecent = """
        {
          "fixes": [
            {
              "at": "2026-01-05T09:00:09.000000+00:00", "event_id": 140, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "gate": "local", "task_id": "gate-20260105-090003",
              "lint": [{ "path": "gate-20260105-090003/gate/lint.log", "url": "/artifacts/gate-20260105-090003/gate/lint.log" }],
              "coverage": [],
              "data": { "gate": "local" }
            }
          ]
        }
        """;
}
