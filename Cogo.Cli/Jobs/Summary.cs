namespace Cogo.Cli.Jobs;

/// <summary>The last line of a verb that changes rows, for a person.</summary>
internal static class Summary
{
    public static async Task WriteAsync(Terminal terminal, bool json, int rows, bool dryRun, string noun, string done, CancellationToken cancellationToken)
    {
        if (json || rows == 0)
        {
            return;
        }

        var text = $"{rows} {noun}{(rows == 1 ? "" : "s")} {(dryRun ? $"would be {done}. Nothing was changed: add --dry-run false" : done)}.";
        await terminal.Out.WriteLineAsync(text.AsMemory(), cancellationToken);
    }
}
