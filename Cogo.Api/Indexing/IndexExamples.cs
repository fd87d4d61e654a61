namespace Cogo.Api.Indexing;

/// <summary>The examples of the OpenAPI document.</summary>
internal static class IndexExamples
{
    public const string Repository = "/srv/repositories/shop";
    public const string Name = "ParseHttpDate";

    public const string Search = """
        {
          "trigrams": true,
          "hits": [
            {
              "type": "symbol", "score": 0.61, "repo": "/srv/repositories/shop", "path": "src/Dates.cs", "language": "csharp",
              "name": "ParseHttpDate", "kind": "method", "container": "Shop.Dates", "signature": "DateTimeOffset ParseHttpDate(string text)", "line": 12, "end_line": 20
            },
            { "type": "file", "score": 0.3, "repo": "/srv/repositories/shop", "path": "docs/dates.md", "language": "text" }
          ]
        }
        """;

    public const string Symbols = """
        {
          "symbols": [
            {
              "repo": "/srv/repositories/shop", "path": "src/Dates.cs", "name": "ParseHttpDate", "kind": "method",
              "container": "Shop.Dates", "signature": "DateTimeOffset ParseHttpDate(string text)", "line": 12, "end_line": 20
            }
          ]
        }
        """;

    public const string References = """
        {
          "references": [
            { "repo": "/srv/repositories/shop", "path": "src/Orders.cs", "occurrences": 2, "lines": [30, 41] }
          ]
        }
        """;

    public const string Repositories = """
        {
          "repositories": [
            {
              "repo": "/srv/repositories/shop", "commit": "9fceb02d0ae598e95dc970b74767f19372d61af8", "files": 120, "lines": 14000,
              "symbols": 1900, "names": 8000, "skipped": 1, "indexed_at": "2026-01-05T09:00:00.000000+00:00"
            }
          ]
        }
        """;

    public const string Request = """
        {
          "repo": "/srv/repositories/shop",
          "base": "main",
          "task_id": "index-shop"
        }
        """;

    public const string Accepted = """
        {
          "task_id": "index-shop",
          "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
          "message_id": 42,
          "duplicate": false,
          "links": {
            "trace": "/api/metrics/trace/4bf92f3577b34da6a3ce929d0e0e4736",
            "artifacts": "/api/artifacts/index?task_id=index-shop"
          }
        }
        """;
}
