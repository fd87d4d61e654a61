namespace Cogo.Cli.Jobs;

/// <summary>The last line of a verb that changes rows, for a person.</summary>
internal static class Summary
{
    public static async Task WriteAsync(Terminal terminal, bool json, int rows, bool dryRun, string would, string did, CancellationToken cancellationToken)
    {
        if (json || rows == 0)
        {
            return;
        }

        var text = dryRun ? $"{rows} {would}. Nothing was changed: add --dry-run false." : $"{rows} {did}.";
        await terminal.Out.WriteLineAsync(text.AsMemory(), cancellationToken);
    }
}
