using System.Globalization;
using Cogo.Core.Processes;

namespace Cogo.Workers.BuildTest;

/// <summary>What a stage may use. <c>cogo.json</c> in a project can tighten it, never widen it.</summary>
public sealed record BuildTestOptions(ProcessLimits Limits);

/// <summary>Reads the settings of build/test, which are environment variables of the same names.</summary>
public static class BuildTestSettings
{
    private const long Mebibyte = 1024 * 1024;

    /// <exception cref="FormatException">A setting cannot be read; the message names it.</exception>
    public static BuildTestOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var defaults = BuildTestInput.DefaultLimits;
        return new BuildTestOptions(defaults with
        {
            WallClock = Seconds(configuration, "BUILDTEST_TIMEOUT_SECONDS") ?? defaults.WallClock,
            NoOutput = Seconds(configuration, "BUILDTEST_SILENCE_SECONDS") ?? defaults.NoOutput,
            MemoryBytes = Whole(configuration, "BUILDTEST_MEMORY_MB") * Mebibyte ?? defaults.MemoryBytes,
            OutputBytes = Whole(configuration, "BUILDTEST_OUTPUT_MB") * Mebibyte ?? defaults.OutputBytes,
            Processes = (int?)Whole(configuration, "BUILDTEST_PROCESSES") ?? defaults.Processes,
        });
    }

    private static TimeSpan? Seconds(IConfiguration configuration, string name) =>
        Whole(configuration, name) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    private static long? Whole(IConfiguration configuration, string name) => configuration[name] switch
    {
        null or "" => null,
        var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value > 0 => value,
        var text => throw new FormatException($"{name} is '{text}': set it to a whole number above 0."),
    };
}
