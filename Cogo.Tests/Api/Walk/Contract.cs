using System.Text.Json;
using System.Text.RegularExpressions;

namespace Cogo.Tests.Api.Walk;

/// <summary>What every answer owes the document, whatever was asked.</summary>
internal static partial class Contract
{
    /// <summary>What is wrong with an answer; empty: nothing.</summary>
    public static IEnumerable<string> Breaches(ServedDocument document, Call call, Returned returned)
    {
        if (returned.Status >= 500)
        {
            return ["is a failure of the server"];
        }

        if (returned is { Closed: true, Text: "", Status: 400 or 414 or 431 })
        {
            // Not HTTP, or too much of it: the server's parser hangs up before there is a request to answer.
            return call.IsWrong || call.What != "good input" ? [] : ["was not understood"];
        }

        if (call.LeadsElsewhere && returned.Status is < 400 or 404 or 405)
        {
            return returned.Status < 400 || call.Operation.Method == HttpMethod.Head ? [] : ProblemBreaches(call, returned);
        }

        if (!call.Operation.Answers.TryGetValue(returned.Status, out var declared))
        {
            return ["has a status that the document does not declare"];
        }

        if (returned.Status < 400)
        {
            return call.IsWrong ? ["should have been refused"] : Unlike(document, declared, returned);
        }

        return call.Operation.Method == HttpMethod.Head ? []
            : declared.MediaTypes.Contains("application/problem+json") ? ProblemBreaches(call, returned)
            : ["is not declared as a problem"];
    }

    private static IEnumerable<string> Unlike(ServedDocument document, DeclaredAnswer declared, Returned returned)
    {
        if (returned.Text.Length == 0 || returned.MediaType != "application/json" || declared.Schema is not { } schema)
        {
            return [];
        }

        return document.Unknown(JsonSerializer.Deserialize<JsonElement>(returned.Text), schema).Select(path => $"holds {path}, which its schema does not have");
    }

    private static IEnumerable<string> ProblemBreaches(Call call, Returned returned)
    {
        if (returned.MediaType != "application/problem+json")
        {
            yield return "is no problem (RFC 9457)";
            yield break;
        }

        var problem = JsonSerializer.Deserialize<JsonElement>(returned.Text);
        string? Text(string name) => problem.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        if (!problem.TryGetProperty("status", out var status) || status.GetInt32() != returned.Status)
        {
            yield return "does not repeat its status";
        }

        if (string.IsNullOrWhiteSpace(Text("title")) || !CodePattern().IsMatch(Text("code") ?? ""))
        {
            yield return "has no title or no code";
        }

        if (!TracePattern().IsMatch(Text("trace_id") ?? ""))
        {
            yield return "has no trace_id";
        }

        if (!SentencePattern().IsMatch(Text("detail") ?? ""))
        {
            yield return "has no sentence in detail";
        }

        var named = problem.TryGetProperty("errors", out var errors) ? errors.EnumerateObject().Select(error => error.Name).ToList() : [];
        if (Text("code") == "invalid_request" && named.Count == 0)
        {
            yield return "names no field";
        }

        if (returned.Status == 400 && call.Named is { } field && !named.Any(name => name.Split('.', '[')[0] == field))
        {
            yield return $"does not name {field}";
        }

        if (returned.Status == 429 && returned.RetryAfter is null)
        {
            yield return "does not say when to try again";
        }
    }

    [GeneratedRegex("^[a-z0-9_]+$", RegexOptions.None, 1000)]
    private static partial Regex CodePattern();

    [GeneratedRegex("^[0-9a-f]{32}$", RegexOptions.None, 1000)]
    private static partial Regex TracePattern();

    [GeneratedRegex(@"\A\P{Cc}{10,}[^\s]\z", RegexOptions.Singleline, 1000)]
    private static partial Regex SentencePattern();
}
