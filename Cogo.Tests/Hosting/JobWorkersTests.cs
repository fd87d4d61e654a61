using Cogo.Core.Database;
using Cogo.Core.Jobs;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Jobs;
using Cogo.Workers.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Hosting;

public class JobWorkersTests
{
    [Fact]
    public async Task A_job_worker_waits_for_the_schema_runs_jobs_and_ends_its_host_after_as_many_as_it_was_told()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        using var host = await StartAsync(database, ("MAX_JOBS", "2"), ("WORKER_ID", "two-jobs"));
        var stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        var health = host.Services.GetRequiredService<HealthCheckService>();
        var before = await Eventually.BecomesAsync(
            () => health.CheckHealthAsync(), report => report.Entries["jobs"].Description?.Contains("cogo migrate", StringComparison.Ordinal) == true, "the missing schema");
        Assert.Equal(HealthStatus.Unhealthy, before.Status);

        await new Migrator(database.DataSource, NullLogger<Migrator>.Instance).MigrateAsync(CancellationToken.None);
        await Eventually.BecomesAsync(() => health.CheckHealthAsync(), report => report.Status == HealthStatus.Healthy, "health once the schema is there");
        await database.ExecuteAsync("insert into jobs (type) select 'test.run' from generate_series(1, 3)");

        await Eventually.BecomesTrueAsync(() => stopping.IsCancellationRequested, "the end of the host");
        await host.StopAsync();
        Assert.Equal(2, await database.ScalarAsync<long>("select count(*) from jobs where status = 'succeeded' and worker_id = 'two-jobs'"));
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from jobs where status = 'queued' and attempts = 0"));
    }

    [Theory]
    [InlineData("MAX_JOBS", "some")]
    [InlineData("MAX_JOBS", "0")]
    [InlineData("EXECUTOR_ID", "Not One")]
    [InlineData("JOBS_QUEUES", "a/b")]
    [InlineData("JOBS_CONCURRENCY", "99999")]
    [InlineData("JOBS_TIMEOUT_SECONDS", "604801")]
    [InlineData("JOBS_TIMEOUT_SECONDS", "2147483647")]
    public void A_setting_that_cannot_be_read_is_named(string name, string value)
    {
        var refused = Assert.Throws<FormatException>(() => JobSettings.Read(Settings.Of((name, value))));

        Assert.Contains(name, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_mode_of_a_worker_is_the_bus_unless_it_is_the_database()
    {
        Assert.Equal(WorkerMode.Bus, WorkerMode.Read(Settings.Of()));
        Assert.Equal(WorkerMode.Database, WorkerMode.Read(Settings.Of(("WORKER_MODE", "db"))));
        Assert.Throws<FormatException>(() => WorkerMode.Read(Settings.Of(("WORKER_MODE", "api"))));
    }

    private static async Task<IHost> StartAsync(TestDatabase database, params (string Name, string? Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddLogging(logging => logging.ClearProviders());
        builder.Services.AddSingleton(NpgsqlDataSource.Create(database.ConnectionString));
        builder.Services.AddSingleton<IJobHandler>(new Job("test.run"));
        builder.Services.AddCogoJobWorkers(Settings.Of(settings));
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }
}
