namespace Cogo.Api.Admin;

/// <summary>The examples of the admin endpoints in the OpenAPI document. A test sends the requests, so they stay true.</summary>
internal static class AdminExamples
{
    public const string NotifyRequest = """
        { "subject": "Maintenance tonight", "text": "Workers stop at **22:00 UTC** for an hour." }
        """;

    public const string GateRequest = """
        { "gate": "acceptance", "window": "24h" }
        """;

    public const string Accepted = """
        {
          "job_id": 51,
          "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
          "subject": "Maintenance tonight",
          "duplicate": false,
          "links": { "trace": "/api/metrics/trace/4bf92f3577b34da6a3ce929d0e0e4736" }
        }
        """;

    public const string WeeklyAccepted = """
        {
          "job_id": 52,
          "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
          "subject": "Cogo, week 2026-W02",
          "duplicate": false,
          "verdict": "pass",
          "links": { "trace": "/api/metrics/trace/4bf92f3577b34da6a3ce929d0e0e4736" }
        }
        """;

    public const string GateAccepted = """
        {
          "job_id": 53,
          "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
          "subject": "Gate acceptance",
          "duplicate": false,
          "verdict": "pass",
          "links": { "trace": "/api/metrics/trace/4bf92f3577b34da6a3ce929d0e0e4736" }
        }
        """;

    public const string Snapshot = """
        {
          "path": "metrics/20260105/snapshot-020000-5f3a9c1e.json",
          "url": "/artifacts/metrics/20260105/snapshot-020000-5f3a9c1e.json",
          "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
          "window": "24h",
          "verdict": "pass",
          "duplicate": false
        }
        """;

    public const string Weekly = """
        {
          "week": "2026-W02",
          "subject": "Cogo, week 2026-W02",
          "text": "2025-12-29 to 2026-01-05 UTC, last 7d\n\nTasks: 42 ended, 36 passed, 4 failed, 1 invalid, 1 failed by the system; 2 running, 3 retries\n\n✓ q1_pass_rate: 90 % (expected >= 70 %)",
          "figures": {
            "title": "Cogo, week 2026-W02",
            "since": "2025-12-29T02:05:00+00:00",
            "until": "2026-01-05T02:05:00+00:00",
            "verdict": "pass",
            "days": [{ "since": "2025-12-29T02:05:00+00:00", "passed": 36, "failed": 4, "other": 2, "p90_ms": 8040, "gates_passed": 36, "gates_failed": 4 }],
            "rules": [{ "name": "q1_pass_rate", "expected": ">= 70 %", "actual": "90 %", "verdict": "pass" }],
            "p50_ms": 3120,
            "p90_ms": 8040
          },
          "links": { "picture": "/api/admin/notify/weekly/picture" }
        }
        """;
}
