using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace Cogo.Tests.Api.Walk;

/// <summary>Idempotency-Key on every operation of the document that takes one.</summary>
[Collection(nameof(WalkedApi))]
public sealed partial class KeyTests(WalkedApi api)
{
    [Fact]
    public async Task The_same_request_with_the_same_key_is_answered_alike_and_done_once()
    {
        foreach (var operation in Keyed())
        {
            var (call, first) = await DoneAsync(operation);
            var rows = await api.CountRowsAsync();

            var second = await api.SendAsync(call);

            Assert.True(first.Status == second.Status, $"{operation}: {first.Status}, then {second.Status} {second.Text}");
            Assert.Equal(WithoutDuplicate(first.Text), WithoutDuplicate(second.Text));
            Assert.True(rows == await api.CountRowsAsync(), $"{operation} was done twice");
        }
    }

    [Fact]
    public async Task Many_at_once_with_the_same_key_are_done_once()
    {
        foreach (var operation in Keyed())
        {
            var one = await ReadyAsync(operation);
            var alone = await RowsOfAsync(() => api.SendAsync(one));
            var call = await ReadyAsync(operation);

            var together = await RowsOfAsync(async () =>
            {
                var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => api.SendAsync(call)));
                Assert.All(answers, answer => Assert.True(answer.Status < 300, answer.Text));
                Assert.Single(answers.Select(answer => WithoutDuplicate(answer.Text)).Distinct());
            });

            Assert.True(together == alone, $"{operation} left {together} rows for eight requests, and {alone} for one");
        }
    }

    [Fact]
    public async Task Another_request_with_the_same_key_is_refused()
    {
        foreach (var operation in Keyed())
        {
            var (call, _) = await DoneAsync(operation);
            var refused = 0;
            foreach (var other in Others(call))
            {
                // Only what would have been taken without the key shows that the key is why it is refused.
                if (other.Body is not null && (await api.SendAsync(other with { Values = other.Values.Remove("Idempotency-Key") })).Status >= 300)
                {
                    continue;
                }

                var rows = await api.CountRowsAsync();
                var answer = await api.SendAsync(other);

                if (answer.Status == 400)
                {
                    // Nobody could ask that.
                    continue;
                }

                Assert.True(answer.Status == 422, $"{operation}, {other.What}: {answer.Status} {answer.Text}");
                Assert.Equal("idempotency_key_reused", JsonDocument.Parse(answer.Text).RootElement.GetProperty("code").GetString());
                Assert.Equal(rows, await api.CountRowsAsync());
                refused++;
            }

            Assert.True(refused > 0 || !Others(call).Any(), $"{operation} was never asked for something else");
        }
    }

    private IEnumerable<Operation> Keyed() => api.Document.Operations.Where(operation => operation.TakesKey);

    /// <summary>A call with a new key that can be done: what stands in its way, others do away with.</summary>
    private async Task<Call> ReadyAsync(Operation operation)
    {
        await api.BeginAnewAsync();
        if ((await api.SendAsync(api.Good(operation))).Status == 409)
        {
            foreach (var other in api.Document.Operations.Where(other => other != operation && other.Method == HttpMethod.Post && other.Path.Contains('{', StringComparison.Ordinal)))
            {
                await api.SendAsync(api.Good(other));
            }
        }
        else
        {
            await api.BeginAnewAsync();
        }

        return api.Good(operation, keyed: true);
    }

    private async Task<(Call Call, Returned Answer)> DoneAsync(Operation operation)
    {
        var call = await ReadyAsync(operation);
        var answer = await api.SendAsync(call);
        Assert.True(answer.Status < 300, $"{operation}: {answer.Status} {answer.Text}");
        return (call, answer);
    }

    private async Task<long> RowsOfAsync(Func<Task> act)
    {
        var before = await api.CountRowsAsync();
        await act();
        return await api.CountRowsAsync() - before;
    }

    /// <summary>The call with one thing in it said otherwise.</summary>
    private IEnumerable<Call> Others(Call call)
    {
        foreach (var parameter in call.Operation.Parameters.Where(parameter => parameter.In == "query"))
        {
            string[] values = parameter.Words.Count > 0 ? [parameter.Words[^1]] : ["Something else.", NumberPattern().Replace(parameter.Example ?? "", number => $"{number.Value}1")];
            foreach (var value in values.Where(value => value.Length > 0 && value != parameter.Example))
            {
                yield return call.With(parameter.Name, value) with { What = $"another {parameter.Name}" };
            }
        }

        foreach (var field in call.Operation.Body is { } schema ? api.Document.Fields(schema) : [])
        {
            var body = JsonNode.Parse(call.Body!)!.AsObject();
            var value = body[field.Name];
            body[field.Name] = field.Types.Contains("boolean") ? JsonValue.Create(value?.GetValue<bool>() != true)
                : field.Types.Contains("integer") ? JsonValue.Create((value?.GetValue<int>() ?? 6) + 1)
                : field.Words.Count > 0 ? JsonValue.Create(field.Words.First(word => word != value?.GetValue<string>()))
                : field.Types.Contains("string") ? JsonValue.Create($"{value?.GetValue<string>()}x")
                : null;
            if (body[field.Name] is not null)
            {
                yield return call.With(body.ToJsonString()) with { What = $"another {field.Name}" };
            }
        }
    }

    private static string WithoutDuplicate(string text)
    {
        var answer = JsonNode.Parse(text)!;
        (answer as JsonObject)?.Remove("duplicate");
        return answer.ToJsonString();
    }

    [GeneratedRegex("[0-9]+", RegexOptions.None, 1000)]
    private static partial Regex NumberPattern();
}
