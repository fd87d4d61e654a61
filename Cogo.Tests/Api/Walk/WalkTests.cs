using System.Collections.Concurrent;
using Xunit;

namespace Cogo.Tests.Api.Walk;

/// <summary>
/// Walks the OpenAPI document that the API serves and calls every operation in it with everything that a client can send.
/// Knows no operation by name: what is added to the API is walked too.
/// </summary>
[Collection(nameof(WalkedApi))]
public sealed class WalkTests(WalkedApi api)
{
    [Fact]
    public void Every_operation_says_what_it_takes_and_what_it_answers()
    {
        var gaps = new List<string>();
        foreach (var operation in api.Document.Operations)
        {
            bool Says(string name) => operation.Json.TryGetProperty(name, out var text) && !string.IsNullOrWhiteSpace(text.GetString());
            void Expect(bool held, string gap)
            {
                if (!held)
                {
                    gaps.Add($"{operation} {gap}");
                }
            }

            Expect(Says("operationId") && Says("summary") && Says("description"), "has no operationId, no summary or no description");
            Expect(operation.Json.TryGetProperty("tags", out var tags) && tags.GetArrayLength() > 0, "has no tag");
            Expect(operation.Body is null || operation.BodyExample is not null, "has no example of its body");
            Expect(operation.Answers.ContainsKey(429) && operation.Answers.ContainsKey(503), "does not declare 429 and 503");
            foreach (var parameter in operation.Parameters)
            {
                Expect(!string.IsNullOrWhiteSpace(parameter.Description), $"does not describe {parameter.Name}");
                Expect(!parameter.Required || parameter.Example is not null, $"has no example of {parameter.Name}");
            }

            foreach (var (status, answer) in operation.Answers)
            {
                Expect(status >= 400 || answer.MediaTypes.Count == 0 || !answer.MediaTypes.Contains("application/json") || (answer.Schema is not null && answer.Example is not null), $"has no schema or no example of {status}");
                Expect(status is not (< 400 and not 204 and not 304) || answer.MediaTypes.Count > 0, $"does not say what {status} is made of");
                Expect(status < 400 || answer.MediaTypes.Count > 0, $"does not say what {status} looks like");
                if (answer is { Schema: { } schema, Example: { } example })
                {
                    Expect(!api.Document.Unknown(example, schema).Any(), $"has an example of {status} with {string.Join(", ", api.Document.Unknown(example, schema))}, which its schema does not have");
                }
            }

            Expect(operation.Method != HttpMethod.Post || operation.TakesKey || operation.Safe, "takes no Idempotency-Key, and does not say that it changes nothing");
            Expect(
                operation.IsList == Lists(operation) && operation.IsList == operation.Parameters.Any(parameter => parameter.Name == "limit"),
                "is a list without limit, cursor and next_cursor (or, where the list is bounded, maxItems)");
        }

        Assert.True(gaps.Count == 0, string.Join('\n', gaps));
    }

    [Fact]
    public void Every_operation_answers_its_own_example()
    {
        var failed = api.Document.Operations
            .Where(operation => api.First[operation.Id].Status >= 300)
            .Select(operation => $"{operation}: {api.First[operation.Id].Status} {api.First[operation.Id].Text}");

        Assert.Empty(failed);
    }

    [Fact]
    public Task Good_input_is_answered_as_declared() => WalkAsync((document, good) => [good, WalkedApi.Full(good), .. Inputs.Words(document, good)]);

    [Fact]
    public Task What_is_missing_is_named() => WalkAsync(Inputs.Missing);

    [Fact]
    public Task What_has_the_wrong_type_is_named() => WalkAsync(Inputs.WrongTyped);

    [Fact]
    public Task Hostile_input_is_refused_or_taken_as_text() => WalkAsync(Inputs.Hostile);

    [Fact]
    public async Task What_says_that_it_changes_nothing_changes_nothing()
    {
        foreach (var operation in api.Document.Operations.Where(operation => operation.Safe || operation.Method == HttpMethod.Get))
        {
            var rows = await api.CountRowsAsync();

            await api.SendAsync(api.Good(operation));

            Assert.True(rows == await api.CountRowsAsync(), $"{operation} changed something");
        }
    }

    /// <summary>What a list answers: an array in it is all that there is, or has a bound.</summary>
    private bool Lists(Operation operation)
    {
        if (operation.Method != HttpMethod.Get || operation.Answers.GetValueOrDefault(200)?.Schema is not { } answer)
        {
            return false;
        }

        var schema = api.Document.Resolve(answer);
        if (!schema.TryGetProperty("properties", out var properties))
        {
            return schema.TryGetProperty("items", out _);
        }

        return properties.TryGetProperty("next_cursor", out _)
            || (properties.EnumerateObject().ToList() is [var only] && only.Value.TryGetProperty("items", out _) && !only.Value.TryGetProperty("maxItems", out _));
    }

    private async Task WalkAsync(Func<ServedDocument, Call, IEnumerable<Call>> vary)
    {
        var breaches = new ConcurrentQueue<string>();
        var calls = api.Document.Operations.SelectMany(operation => vary(api.Document, api.Good(operation)));
        await Parallel.ForEachAsync(calls, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = TestContext.Current.CancellationToken }, async (call, token) =>
        {
            Returned returned;
            try
            {
                returned = await api.SendAsync(call, token);
            }
            catch (HttpRequestException e)
            {
                breaches.Enqueue($"{call.Operation}, {call.What}: no answer: {e}");
                return;
            }

            foreach (var breach in Contract.Breaches(api.Document, call, returned))
            {
                breaches.Enqueue($"{call.Operation}, {call.What}: {returned.Status} {breach}: {(returned.Text.Length > 300 ? returned.Text[..300] : returned.Text)}");
            }
        });
        Assert.True(breaches.IsEmpty, $"{breaches.Count} breaches\n{string.Join('\n', breaches.Take(60))}");
    }
}
