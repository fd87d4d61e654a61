using System.Text;
using System.Text.RegularExpressions;

namespace Cogo.Benchmarks;

/// <summary>
/// The statements that one application sends, as the server writes them into its log. The transactions that the server
/// counts for a database are no measure of that: its own workers' are among them.
/// </summary>
internal sealed partial class StatementLog
{
    private readonly string _path;
    private readonly string _application;
    private long _position;

    private StatementLog(string path, string application) => (_path, _application, _position) = (path, application, new FileInfo(path).Length);

    /// <summary>Logs whatever sessions of the database that begin after this send.</summary>
    public static async Task<StatementLog> OpenAsync(BenchmarkServer server, string database, string application, CancellationToken cancellationToken)
    {
        await server.ExecuteAsync("postgres", $"alter database {database} set log_statement = 'all'", cancellationToken);
        return new StatementLog(server.LogPath, application);
    }

    /// <summary>The first lines of the statements since the last call.</summary>
    public async Task<IReadOnlyList<string>> ReadNewAsync(CancellationToken cancellationToken)
    {
        await using var file = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = _position;
        using var reader = new StreamReader(file, Encoding.UTF8);
        var text = await reader.ReadToEndAsync(cancellationToken);
        // Half a line waits for the next call.
        var whole = text.LastIndexOf('\n') + 1;
        _position += Encoding.UTF8.GetByteCount(text.AsSpan(0, whole));
        return [.. StatementPattern().Matches(text[..whole]).Where(match => match.Groups["application"].Value == _application).Select(match => match.Groups["statement"].Value)];
    }

    // log_line_prefix of Cogo's own Postgres: time, process, application.
    [GeneratedRegex(@"^[^\[\n]*\[\d+\] (?<application>\S*) LOG:  (statement|execute [^:\n]*): (?<statement>[^\n]*)", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 5000)]
    private static partial Regex StatementPattern();
}
