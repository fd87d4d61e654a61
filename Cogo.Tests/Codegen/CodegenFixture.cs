using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Artifacts;
using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Cogo.Tests.Bus;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Workspaces;
using Cogo.Workers.Codegen;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Xunit;

namespace Cogo.Tests.Codegen;

/// <summary>A codegen worker as it is wired in production: real bus, real Postgres, real git, artifacts on disk.</summary>
internal sealed class CodegenFixture : IAsyncDisposable
{
    private readonly BusFixture _bus;
    private readonly ServiceProvider _services;

    private CodegenFixture(BusFixture bus, WorkspaceFixture workspace, ServiceProvider services, MessageBus worker)
    {
        _bus = bus;
        Workspace = workspace;
        _services = services;
        Worker = worker;
    }

    public WorkspaceFixture Workspace { get; }

    public GitRepository Repository => Workspace.Repository;

    public MessageBus Worker { get; }

    public TestDatabase Database => _bus.Database;

    /// <summary>What came to the build/test route.</summary>
    public Recorder BuildTest { get; } = new();

    public CodegenHandler Handler => _services.GetRequiredService<CodegenHandler>();

    public LocalArtifactStore Artifacts => _services.GetRequiredService<LocalArtifactStore>();

    public static async Task<CodegenFixture> StartAsync(Dictionary<string, string?>? settings = null, Action<IServiceCollection>? add = null, Func<BusOptions, BusOptions>? bus = null)
    {
        var database = await BusFixture.CreateAsync();
        var workspace = new WorkspaceFixture();
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>(settings ?? [])
        {
            ["COGO_WORK"] = workspace.Options.WorkFolder,
            ["ARTIFACTS_BASE"] = workspace["artifacts"],
        }).Build();
        var worker = database.Bus(bus);
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(database.Database.DataSource);
        services.AddSingleton<IEventLog>(worker.Events);
        add?.Invoke(services);
        services.TryAddSingleton(new CodegenOptions { ProgressInterval = TimeSpan.FromMilliseconds(20) });
        services.AddCodegen(configuration);
        var fixture = new CodegenFixture(database, workspace, services.BuildServiceProvider(), worker);
        try
        {
            await worker.SubscribeAsync(Route.Codegen, fixture.Handler, new SubscriptionOptions(), default);
            await worker.SubscribeAsync(Route.BuildTest, fixture.BuildTest, new SubscriptionOptions(), default);
            return fixture;
        }
        catch
        {
            await fixture.DisposeAsync();
            throw;
        }
    }

    /// <summary>Publishes and waits for the attempt's last word; returns the trace.</summary>
    public async Task<string> RunAsync(PipelineRequest request, int maxAttempts = 1, int priority = 0)
    {
        request = request with { Repo = request.Repo ?? Repository.Folder };
        var message = OutgoingMessage.Of(Route.Codegen, request) with { MaxAttempts = maxAttempts, Priority = priority };
        var receipt = await Worker.Publisher.PublishAsync(message, default);
        await Eventually.BecomesAsync(
            () => EventsAsync(receipt.TraceId), types => types.Any(type => type is EventTypes.CodegenDone or EventTypes.CodegenFailed), "the end of codegen", 60);
        return receipt.TraceId;
    }

    /// <summary>A delivery for the handler alone, past the bus.</summary>
    public Delivery Delivery(PipelineRequest request) => new()
    {
        MessageId = 1,
        Route = Route.Codegen,
        TraceId = Guid.NewGuid().ToString("N"),
        IdempotencyKey = "message:1",
        Payload = JsonSerializer.Serialize(request with { Repo = request.Repo ?? Repository.Folder }, CogoJson.Options),
        Attempt = 1,
        MaxAttempts = 3,
        Priority = 0,
        CreatedAt = TimeProvider.System.GetUtcNow(),
        Fence = 1,
    };

    public Task<List<string>> EventsAsync(string traceId) => _bus.EventsAsync(traceId);

    public async Task<JsonElement> EventAsync(string traceId, string type)
    {
        var json = await Database.ScalarAsync<string>("select data::text from bus_events where trace_id = $1 and type = $2 order by id desc limit 1", traceId, type);
        Assert.NotNull(json);
        return JsonSerializer.Deserialize<JsonElement>(json);
    }

    /// <summary>The final failure: code, verdict and sentence.</summary>
    public async Task<(string Code, string Verdict, string Reason)> FailureAsync(string traceId)
    {
        var failed = await EventAsync(traceId, EventTypes.CodegenFailed);
        return (failed.GetProperty("code").GetString()!, failed.GetProperty("verdict").GetString()!, failed.GetProperty("reason").GetString()!);
    }

    public async Task<string> ProgressAsync(string traceId) =>
        await Database.ScalarAsync<string>("select string_agg(data ->> 'text', E'\\n' order by id) from bus_events where trace_id = $1 and type = 'codegen_progress'", traceId) ?? "";

    public async Task<string> ArtifactAsync(string path)
    {
        await using var stream = await Artifacts.OpenAsync(path, default);
        Assert.True(stream is not null, $"there is no artifact {path}");
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }

    public async Task<T> ArtifactAsync<T>(string path) => JsonSerializer.Deserialize<T>(await ArtifactAsync(path), CogoJson.Options)!;

    /// <summary>Working copies that are on disk now.</summary>
    public int WorkingCopies() => Directory.Exists(Workspace.Options.WorkFolder)
        ? Directory.EnumerateDirectories(Path.Combine(Workspace.Options.WorkFolder, "git"), "copies", SearchOption.AllDirectories).Sum(folder => Directory.EnumerateFileSystemEntries(folder).Count())
        : 0;

    public async ValueTask DisposeAsync()
    {
        await _bus.DisposeAsync();
        await _services.DisposeAsync();
        Workspace.Dispose();
    }
}
