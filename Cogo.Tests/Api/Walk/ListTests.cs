using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Cogo.Tests.Api.Walk;

/// <summary>Pages of every list of the document.</summary>
[Collection(nameof(WalkedApi))]
public sealed class ListTests(WalkedApi api)
{
    [Fact]
    public async Task Pages_hold_every_row_once_while_others_come_in()
    {
        foreach (var list in Lists())
        {
            var before = await RowsAsync(list, limit: 20, most: 20);
            Assert.True(before.Count >= 3, $"{list} has {before.Count} rows: a walk needs three to turn pages");

            var paged = await RowsAsync(list, limit: 2, most: 20, between: api.BeginAnewAsync);

            Assert.True(paged.Count == paged.Distinct().Count(), $"{list} shows a row twice");
            Assert.True(before.All(paged.Contains), $"{list} lost {string.Join(", ", before.Except(paged))}");
            Assert.Equal(before, paged.Where(before.Contains));
        }
    }

    [Fact]
    public async Task A_cursor_of_another_list_is_refused_and_so_is_one_that_was_changed()
    {
        var cursors = new Dictionary<Operation, string>();
        foreach (var list in Lists())
        {
            var page = await PageAsync(list, 1, null);
            Assert.True(page.TryGetProperty("next_cursor", out var next), $"{list} has but one row");
            cursors[list] = next.GetString()!;
            Assert.Matches("^[A-Za-z0-9_-]+$", cursors[list]);
        }

        foreach (var list in Lists())
        {
            foreach (var cursor in cursors.Where(other => other.Key != list && Kind(other.Key) != Kind(list)).Select(other => other.Value).Append(cursors[list][..^4]).Append("x").Append(""))
            {
                var answer = await api.SendAsync(api.Good(list).With("cursor", cursor));

                Assert.True(answer.Status == 400, $"{list} took the cursor {cursor}: {answer.Status}");
                Assert.Contains("next_cursor", JsonDocument.Parse(answer.Text).RootElement.GetProperty("errors").GetProperty("cursor")[0].GetString(), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_forged_cursor_is_no_fault_of_the_server()
    {
        string[] extremes = ["0", "3155378975999999999", "3155378976000000000", "9223372036854775807", "9223372036854775808", "-1", "1e9", "99.9999", "\0", "", "../x", "' or 1=1"];
        foreach (var list in Lists())
        {
            var next = (await PageAsync(list, 1, null)).GetProperty("next_cursor").GetString()!;
            var parts = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(next).AsSpan(4)).Split('\n');
            foreach (var (place, extreme) in from place in Enumerable.Range(1, parts.Length - 1) from extreme in extremes select (place, extreme))
            {
                var text = Encoding.UTF8.GetBytes(string.Join('\n', [.. parts[..place], extreme, .. parts[(place + 1)..]]));
                var forged = Base64Url.EncodeToString([.. SHA256.HashData(text).AsSpan(0, 4), .. text]);

                var answer = await api.SendAsync(api.Good(list).With("cursor", forged));

                Assert.True(answer.Status is 200 or 400, $"{list}, part {place} as '{extreme}': {answer.Status} {answer.Text}");
            }
        }
    }

    private IEnumerable<Operation> Lists() => api.Document.Operations.Where(operation => operation.IsList);

    private static string? Kind(Operation list) => list.Answers[200].Schema?.GetRawText();

    private async Task<List<string>> RowsAsync(Operation list, int limit, int most, Func<Task>? between = null)
    {
        var rows = new List<string>();
        string? cursor = null;
        do
        {
            var page = await PageAsync(list, limit, cursor);
            rows.AddRange(page.EnumerateObject().Single(member => member.Value.ValueKind == JsonValueKind.Array).Value.EnumerateArray().Select(Name));
            cursor = page.TryGetProperty("next_cursor", out var next) ? next.GetString() : null;
            if (between is not null && rows.Count <= 2 * limit)
            {
                await between();
            }
        }
        while (cursor is not null && rows.Count < most);
        return rows;
    }

    /// <summary>What stays the same of a row while it is worked on.</summary>
    private static string Name(JsonElement row)
    {
        var parts = row.EnumerateObject().Where(member => member.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number && member.Name is not ("status" or "code" or "reason" or "attempt" or "ended_at" or "indexed_at" or "score"));
        return string.Join(' ', parts.Select(member => $"{member.Name}={member.Value}"));
    }

    private async Task<JsonElement> PageAsync(Operation list, int limit, string? cursor)
    {
        var call = api.Good(list).With("limit", $"{limit}");
        var answer = await api.SendAsync(cursor is null ? call : call.With("cursor", cursor));
        Assert.True(answer.Status == 200, $"{list}: {answer.Status} {answer.Text}");
        return JsonSerializer.Deserialize<JsonElement>(answer.Text);
    }
}
