using System.Text.Json;
using Cogo.Cli;
using Cogo.Core.Bus;
using Cogo.Core.Database.Embedded;
using Cogo.Core.Jobs;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Cogo.Tests.EndToEnd;

/// <summary><c>pipeline.run</c> in a running system, on a real repository.</summary>
public sealed class PipelineJobTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_job_runs_the_pipeline_and_ends_as_its_verdict_says()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        await using var system = await CogoSystem.StartAsync(Options(database), CancellationToken.None);
        await using var bus = new MessageBus(database.DataSource, new BusOptions(), NullLogger<MessageBus>.Instance);
        var queue = new JobQueue(database.DataSource, bus);
        var repository = SampleRepository.Create("shell", _folder.Path);

        var good = await EnqueueAsync(queue, new { repo = repository.Folder, engine = "patch", patch = SampleRepository.Patch("shell", "good") });
        var bad = await EnqueueAsync(queue, new { repo = repository.Folder, engine = "patch", patch = SampleRepository.Patch("shell", "bad") });
        var wrong = await EnqueueAsync(queue, new { repo = repository.Folder, engine = "magic" });

        await EndsAsync(database, good, "succeeded");
        await EndsAsync(database, bad, "failed");
        await EndsAsync(database, wrong, "failed");
        var result = JsonDocument.Parse((await database.ScalarAsync<string>("select result::text from jobs where id = $1", good))!).RootElement;
        Assert.Equal("passed", result.GetProperty("verdict").GetString());
        Assert.Equal($"job-{good}", result.GetProperty("task_id").GetString());
        Assert.Equal(1, await database.ScalarAsync<long>(
            "select count(*) from bus_events where trace_id = $1 and type = 'buildtest_done'", result.GetProperty("trace_id").GetString()!));
        Assert.Equal("change_failed", await database.ScalarAsync<string>("select code from dead_letters where message_id = $1", bad));
        Assert.Equal("invalid_payload", await database.ScalarAsync<string>("select code from dead_letters where message_id = $1", wrong));
        Assert.Contains("engine 'magic' is not known", await database.ScalarAsync<string>("select reason from dead_letters where message_id = $1", wrong), StringComparison.Ordinal);
    }

    private static async Task<long> EnqueueAsync(JobQueue queue, object payload) =>
        (await queue.EnqueueAsync([new JobRequest("pipeline.run", JsonSerializer.Serialize(payload))], default))[0].Id;

    private static Task EndsAsync(TestDatabase database, long job, string status) => Eventually.BecomesAsync(
        () => database.ScalarAsync<string>("select status from jobs where id = $1", job), seen => seen == status, $"job {job} {status}", seconds: 90);

    private CogoSystemOptions Options(TestDatabase database) => new()
    {
        ConnectionString = database.ConnectionString,
        Postgres = new EmbeddedPostgresOptions(),
        Folder = _folder.In(".cogo"),
        ArtifactsFolder = _folder.In(".cogo", "artifacts"),
        WorkFolder = _folder.In(".cogo", "work"),
    };
}
