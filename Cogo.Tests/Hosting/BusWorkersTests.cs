using Cogo.Core.Bus;
using Cogo.Core.Database;
using Cogo.Tests.Fixtures;
using Cogo.Workers.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Hosting;

public class BusWorkersTests
{
    [Fact]
    public async Task A_worker_waits_for_the_schema_and_says_so()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        using var host = await StartAsync(database, Route.Execute);
        var health = host.Services.GetRequiredService<HealthCheckService>();

        var before = await health.CheckHealthAsync();
        Assert.Equal(HealthStatus.Unhealthy, before.Status);
        Assert.Contains("cogo migrate", before.Entries["workers"].Description, StringComparison.Ordinal);

        await new Migrator(database.DataSource, NullLogger<Migrator>.Instance).MigrateAsync(CancellationToken.None);
        await Eventually.BecomesAsync(() => health.CheckHealthAsync(), report => report.Status == HealthStatus.Healthy, "health once the schema is there");
        await host.StopAsync();
    }

    [Fact]
    public async Task A_worker_of_a_shard_reads_that_shard_only()
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        using var host = await StartAsync(database, new Route("orchestrator", "execute", "1"));

        await database.ExecuteAsync("""insert into agent_messages (service, role, shard, payload) values ('orchestrator', 'execute', '0', '{}'), ('orchestrator', 'execute', '1', '{}')""");

        await Eventually.BecomesTrueAsync(() => database.ScalarAsync<bool>("select exists (select 1 from dead_letters)"), "the refusal on shard 1");
        Assert.Equal("1", await database.ScalarAsync<string>("select string_agg(shard, ',') from dead_letters"));
        await host.StopAsync();
    }

    private static async Task<IHost> StartAsync(TestDatabase database, Route route)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddLogging(logging => logging.ClearProviders());
        builder.Services.AddSingleton(NpgsqlDataSource.Create(database.ConnectionString));
        builder.Services.AddCogoWorkers(Settings.Of(), [route]);
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }
}
