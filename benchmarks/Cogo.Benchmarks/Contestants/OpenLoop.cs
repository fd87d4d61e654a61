using System.Diagnostics;

namespace Cogo.Benchmarks.Contestants;

/// <summary>
/// Sends at a fixed rate whatever the answers do, so that a stall counts for every message that was due meanwhile. What
/// the machine's timers are off by, up to 2 ms, does not count.
/// </summary>
internal static class OpenLoop
{
    /// <summary>Before anything is measured: enough messages that code is compiled for good, the same for every contestant.</summary>
    public const double WarmupRate = 300;

    public const double WarmupSeconds = 4;

    private static readonly TimeSpan TimerError = TimeSpan.FromMilliseconds(2);

    /// <param name="send">Gets the timestamp from which its time counts.</param>
    /// <returns>How many were sent.</returns>
    public static async Task<int> RunAsync(double rate, double seconds, Func<long, Task> send, CancellationToken cancellationToken)
    {
        // On a thread of its own, which sleeps to within a millisecond; timers of the thread pool are off by more at times.
        var sent = await Task.Factory.StartNew(
            () => Send(rate, seconds, send, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await Task.WhenAll(sent);
        return sent.Length;
    }

    private static Task[] Send(double rate, double seconds, Func<long, Task> send, CancellationToken cancellationToken)
    {
        var sent = new Task[Math.Max(1, (int)Math.Round(rate * seconds))];
        var start = Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 200);
        for (var i = 0; i < sent.Length; i++)
        {
            var due = start + (long)(i / rate * Stopwatch.Frequency);
            var ahead = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
            if (ahead > TimeSpan.Zero)
            {
                cancellationToken.WaitHandle.WaitOne((int)Math.Ceiling(ahead.TotalMilliseconds));
                cancellationToken.ThrowIfCancellationRequested();
            }

            var now = Stopwatch.GetTimestamp();
            sent[i] = send(Stopwatch.GetElapsedTime(due, now) < TimerError ? now : due);
        }

        return sent;
    }

    /// <summary>p50, p99 and p999 of times in ms.</summary>
    public static IReadOnlyDictionary<string, double> Percentiles(IEnumerable<double> times)
    {
        double[] sorted = [.. times.Order()];
        return new Dictionary<string, double>(StringComparer.Ordinal)
        {
            ["p50"] = At(0.5),
            ["p99"] = At(0.99),
            ["p999"] = At(0.999),
        };

        double At(double share) => sorted[Math.Min(sorted.Length - 1, (int)Math.Ceiling(share * sorted.Length) - 1)];
    }
}
