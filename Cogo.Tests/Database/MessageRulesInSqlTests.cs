using Cogo.Tests.Fixtures;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Database;

/// <summary>What is inserted by hand is refused with the rule it breaks, whatever the day.</summary>
public sealed class MessageRulesInSqlTests
{
    private const string Route = "1 to 63 of a-z 0-9 . _ -, the first of a-z 0-9";

    [Theory]
    [InlineData("service", "''", Route)]
    [InlineData("service", "'Upper'", Route)]
    [InlineData("role", "'-dash'", Route)]
    [InlineData("role", "'.dot'", Route)]
    [InlineData("shard", "'_underscore'", Route)]
    [InlineData("shard", "repeat('a', 64)", Route)]
    [InlineData("shard", "'ü'", Route)]
    [InlineData("shard", "'a/b'", Route)]
    [InlineData("tenant", "repeat('a', 201)", "at most 200 characters")]
    [InlineData("trace_id", "repeat('0', 31)", "32 lowercase hex digits")]
    [InlineData("trace_id", "repeat('A', 32)", "32 lowercase hex digits")]
    [InlineData("trace_parent", "repeat('a', 101)", "at most 100 characters")]
    [InlineData("idempotency_key", "''", "1 to 300 characters")]
    [InlineData("idempotency_key", "repeat('a', 301)", "1 to 300 characters")]
    [InlineData("priority", "-101", "-100 to 100")]
    [InlineData("priority", "-32768", "-100 to 100")]
    [InlineData("max_attempts", "0", "1 to 1000")]
    [InlineData("max_attempts", "1001", "1 to 1000")]
    public async Task What_breaks_a_rule_is_refused_and_named(string column, string value, string rule)
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        foreach (var day in (string[])["now()", "now() - interval '3 days'"])
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync(Insert(column, value, day)));

            Assert.Equal(PostgresErrorCodes.CheckViolation, refused.SqlState);
            Assert.Equal($"value for domain cogo_message_{column} violates check constraint \"{column}: {rule}\"", refused.MessageText);
        }
    }

    [Theory]
    [InlineData("service", "repeat('a', 63)")]
    [InlineData("role", "'0.z_-9'")]
    [InlineData("tenant", "repeat('ü', 200)")]
    [InlineData("tenant", "null")]
    [InlineData("trace_parent", "repeat('ü', 100)")]
    [InlineData("idempotency_key", "repeat('ü', 300)")]
    [InlineData("priority", "-100")]
    [InlineData("priority", "100")]
    [InlineData("max_attempts", "1")]
    [InlineData("max_attempts", "1000")]
    public async Task What_keeps_the_rules_to_their_edge_is_taken(string column, string value)
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();

        await database.ExecuteAsync(Insert(column, value, "now()"));

        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from agent_messages"));
    }

    private static string Insert(string column, string value, string day)
    {
        var columns = new Dictionary<string, string> { ["service"] = "'a'", ["role"] = "'b'", ["payload"] = "'{}'", ["created_at"] = day, [column] = value };
        return $"insert into agent_messages ({string.Join(", ", columns.Keys)}) values ({string.Join(", ", columns.Values)})";
    }
}
