namespace Cogo.Core.Jobs;

/// <summary>Lets so many attempts through, and says when the last of them has ended. Without a number it lets all through.</summary>
internal sealed class AttemptLimit(int? most) : IDisposable
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim? _left = most is { } count ? new SemaphoreSlim(count, count) : null;
    private int _ended;

    public Task Reached => _reached.Task;

    /// <summary>Waits for the stop when enough have been let through: the job is then handed back.</summary>
    public Task EnterAsync(CancellationToken stop) => _left?.WaitAsync(stop) ?? Task.CompletedTask;

    /// <param name="ran">False: the job stood aside or was handed back, and another may take its place.</param>
    public void Leave(bool ran)
    {
        if (!ran)
        {
            _left?.Release();
        }
        else if (most is not null && Interlocked.Increment(ref _ended) >= most)
        {
            _reached.TrySetResult();
        }
    }

    public void Dispose() => _left?.Dispose();
}
