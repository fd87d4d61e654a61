using Cogo.Core.Workflows;
using Cogo.Workers.BuildTest;
using Cogo.Workers.Codegen;
using Cogo.Workers.Dispatcher;
using Cogo.Workers.Indexing;

namespace Cogo.Workers.Hosting;

/// <summary>A kind of work that this program can do, and the routes on which it is asked for.</summary>
/// <param name="Route">The role's route of shard 0; other shards are the same work for other copies.</param>
/// <param name="ConcurrencySetting">Environment variable with the number of messages worked on at once.</param>
/// <param name="DefaultConcurrency">When the variable is not set.</param>
/// <param name="Handler">Makes the handler; one for all messages of the route.</param>
public sealed record WorkerRole(
    Route Route, string ConcurrencySetting, int DefaultConcurrency, Func<IServiceProvider, IMessageHandler> Handler)
{
    public static WorkerRole Dispatcher { get; } = new(
        Route.Execute, "DISPATCHER_CONCURRENCY", 16, services => services.GetRequiredService<ExecutorDispatcher>());

    public static WorkerRole Codegen { get; } = new(
        Route.Codegen, "CODEGEN_CONCURRENCY", 4, services => services.GetRequiredService<CodegenHandler>());

    /// <summary>Builds use every processor they find, so one at a time for each two processors.</summary>
    public static WorkerRole BuildTest { get; } = new(
        Route.BuildTest, "BUILDTEST_CONCURRENCY", Math.Max(1, Environment.ProcessorCount / 2), services => services.GetRequiredService<BuildTestHandler>());

    public static WorkerRole Workflow { get; } = new(
        Route.Workflow, "WORKFLOW_CONCURRENCY", 8, services => services.GetRequiredService<WorkflowMessageHandler>());

    /// <summary>It reads files on every processor itself.</summary>
    public static WorkerRole Indexing { get; } = new(
        Route.Indexing, "INDEXING_CONCURRENCY", 1, services => services.GetRequiredService<IndexingHandler>());

    public static IReadOnlyList<WorkerRole> All { get; } = [Dispatcher, Codegen, BuildTest, Workflow, Indexing];

    /// <summary>Whether its messages are steps of workflows, which are told when one ends. The dispatcher only passes them on.</summary>
    public bool EndsSteps => this != Dispatcher && this != Workflow;

    /// <summary>Whether it reads and writes artifacts, so that it is nothing without their storage.</summary>
    public bool StoresArtifacts => EndsSteps;

    /// <summary>The role that reads a route, whatever its shard; null when there is none.</summary>
    public static WorkerRole? Of(Route route) => All.FirstOrDefault(role => RequestRules.IsSame(role.Route, route));

    /// <exception cref="FormatException">The setting is not a number from 1 to 1000.</exception>
    public int Concurrency(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return configuration[ConcurrencySetting] switch
        {
            null or "" => DefaultConcurrency,
            var text when int.TryParse(text, out var number) && number is >= 1 and <= 1000 => number,
            var text => throw new FormatException($"{ConcurrencySetting} is '{text}': set it to a number from 1 to 1000."),
        };
    }
}
