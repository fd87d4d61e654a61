using System.Diagnostics;

namespace Cogo.Tests.Fixtures;

/// <summary>Waits for a condition with a deadline, and says what it saw last when the deadline passes.</summary>
public static class Eventually
{
    public static async Task<T> BecomesAsync<T>(Func<Task<T>> look, Func<T, bool> wanted, string what, int seconds = 20)
    {
        var clock = Stopwatch.StartNew();
        T seen;
        while (!wanted(seen = await look()))
        {
            if (clock.Elapsed > TimeSpan.FromSeconds(seconds))
            {
                throw new TimeoutException($"{what} did not happen within {seconds} s; last seen: {seen}");
            }

            await Task.Delay(20);
        }

        return seen;
    }

    public static Task BecomesTrueAsync(Func<bool> look, string what, int seconds = 20) =>
        BecomesAsync(() => Task.FromResult(look()), seen => seen, what, seconds);

    public static Task BecomesTrueAsync(Func<Task<bool>> look, string what, int seconds = 20) =>
        BecomesAsync(look, seen => seen, what, seconds);
}
