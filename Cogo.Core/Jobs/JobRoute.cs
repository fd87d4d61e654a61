using Cogo.Core.Bus;

namespace Cogo.Core.Jobs;

/// <summary>Where the jobs of a queue travel: <c>jobs/&lt;queue&gt;/&lt;executor, or 0&gt;</c>.</summary>
public static class JobRoute
{
    public const string DefaultQueue = "default";

    /// <summary>The shard of jobs that any executor may run.</summary>
    public const string AnyExecutor = "0";

    /// <exception cref="ArgumentException">The name cannot be part of a route; the message says why.</exception>
    public static Route Of(string queue, string? executorId = null)
    {
        try
        {
            return new Route(Route.JobService, queue, executorId ?? AnyExecutor);
        }
        catch (ArgumentException e) when (e.ParamName == "role")
        {
            throw new ArgumentException($"'{queue}' cannot be the name of a queue: use 1 to 63 characters of a-z 0-9 . _ - that start with a letter or a digit.", nameof(queue), e);
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"'{executorId}' cannot be an executor's id: use 1 to 63 characters of a-z 0-9 . _ - that start with a letter or a digit.", nameof(executorId), e);
        }
    }
}
