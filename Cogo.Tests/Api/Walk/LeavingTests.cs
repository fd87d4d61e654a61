using Cogo.Tests.Fixtures;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Api.Walk;

/// <summary>Who leaves takes his query along: no operation goes on asking the database for nobody.</summary>
[Collection(nameof(WalkedApi))]
public sealed class LeavingTests(WalkedApi api)
{
    private const string LockAll = """
        do $$ declare t record; begin
          for t in select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'public' loop
            execute 'lock table ' || t.name || ' in access exclusive mode';
          end loop;
        end $$
        """;

    // Not those of the autovacuum, nor of other databases.
    private const string CountWaiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and backend_type = 'client backend'";

    [Fact]
    public async Task A_query_ends_when_its_client_leaves()
    {
        var stuck = new List<string>();
        var asked = 0;
        await using var outside = NpgsqlDataSource.Create(api.Database.ConnectionString);
        await using var connection = await outside.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var everything = new NpgsqlCommand(LockAll, connection, transaction))
        {
            await everything.ExecuteNonQueryAsync();
        }

        foreach (var operation in api.Document.Operations)
        {
            using var leaves = new CancellationTokenSource();
            var call = api.SendAsync(api.Good(operation), leaves.Token);
            await Eventually.BecomesTrueAsync(async () => call.IsCompleted || await WaitingAsync() > 0, $"the query of {operation}");
            if (call.IsCompleted)
            {
                // It asks no table.
                await call;
                continue;
            }

            asked++;
            await leaves.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
            try
            {
                await Eventually.BecomesTrueAsync(async () => await WaitingAsync() == 0, "the end of its query", seconds: 5);
            }
            catch (TimeoutException)
            {
                stuck.Add(operation.ToString());
            }
        }

        await transaction.RollbackAsync();
        Assert.True(stuck.Count == 0, $"go on for nobody: {string.Join(", ", stuck)}");
        Assert.True(asked > api.Document.Operations.Count / 2, $"only {asked} operations asked the database");

        async Task<long> WaitingAsync()
        {
            await using var count = outside.CreateCommand(CountWaiting);
            return (long)(await count.ExecuteScalarAsync())!;
        }
    }
}
