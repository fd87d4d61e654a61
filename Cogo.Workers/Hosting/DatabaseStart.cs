using Cogo.Core.Database;
using Npgsql;

namespace Cogo.Workers.Hosting;

/// <summary>Waits for a database that does not answer yet, or has no schema yet.</summary>
internal static class DatabaseStart
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>Tries until it succeeds, each pause twice the last.</summary>
    public static async Task RetryAsync(Func<CancellationToken, Task<bool>> tryStart, TimeProvider time, CancellationToken cancellationToken)
    {
        var pause = FirstPause;
        do
        {
            await Task.Delay(pause, time, cancellationToken);
            pause = pause * 2 > LongestPause ? LongestPause : pause * 2;
        }
        while (!await tryStart(cancellationToken));
    }

    /// <summary>What is wrong, and what to do about it.</summary>
    public static string Problem(NpgsqlException error) => DatabaseProblem.Of(error);
}
