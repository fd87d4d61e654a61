using System.Globalization;

namespace Cogo.Workers.Codegen;

/// <summary>Reads the settings of codegen, which are environment variables of the same names.</summary>
public static class CodegenSettings
{
    /// <exception cref="FormatException">A setting cannot be read; the message names it and says what to write.</exception>
    public static CodegenOptions Codegen(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var defaults = new CodegenOptions();
        return defaults with { Timeout = Seconds(configuration, "CODEGEN_TIMEOUT_SECONDS") ?? defaults.Timeout };
    }

    private static TimeSpan? Seconds(IConfiguration configuration, string name) =>
        Whole(configuration, name, 1, 7 * 24 * 3600) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    private static long? Whole(IConfiguration configuration, string name, long least, long most) => configuration[name] switch
    {
        null or "" => null,
        var text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most => value,
        var text => throw new FormatException($"{name} is '{text}': set it to a whole number from {least} to {most}."),
    };
}
