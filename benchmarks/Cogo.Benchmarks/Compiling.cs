using System.Diagnostics;
using System.Globalization;
using System.Runtime;

namespace Cogo.Benchmarks;

/// <summary>
/// Warms up this process's code. Methods that are called often are compiled anew while they run; on two processors that
/// takes a core for seconds.
/// </summary>
internal static class Compiling
{
    /// <summary>Less than this share of the time is as good as none.</summary>
    private const double Little = 0.1;

    /// <summary>Does something again, up to so many times, until the compiler has little left to do.</summary>
    /// <param name="title">Of the progress line.</param>
    public static async Task UntilLittleAsync(string title, int least, int most, Func<Task> pass)
    {
        var share = 1.0;
        var passes = 0;
        while (passes < most && (passes < least || share >= Little))
        {
            var (compiled, at) = (JitInfo.GetCompilationTime(), Stopwatch.GetTimestamp());
            await pass();
            share = (JitInfo.GetCompilationTime() - compiled) / Stopwatch.GetElapsedTime(at);
            passes++;
        }

        await Console.Error.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture, $"  {title}: {passes} times; compiling took {share:0 %} of the last one"));
    }
}
