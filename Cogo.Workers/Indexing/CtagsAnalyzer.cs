using System.Text;
using Cogo.Core.Indexing;
using Cogo.Core.Processes;
using Cogo.Core.Workspaces;

namespace Cogo.Workers.Indexing;

/// <summary>
/// Languages that universal-ctags knows. It gets copies under names of ours in a folder of its own, reads no
/// configuration, and runs within limits: a file on which it hangs or dies is found by itself and read by file.
/// </summary>
public sealed class CtagsAnalyzer(CtagsOptions options, WorkspaceOptions workspaces) : ILanguageAnalyzer
{
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(10);

    private Probe? _probed;

    public string Name => ScopeLanguage.UniversalCtags;

    public async ValueTask<string?> VersionAsync(CancellationToken cancellationToken)
    {
        // Asked by several at once it is asked several times, to the same answer.
        _probed ??= new Probe(await ProbeAsync(cancellationToken));
        return _probed.Version;
    }

    public async Task<IReadOnlyList<FileFacts>> AnalyzeAsync(IReadOnlyList<SourceFile> files, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(files);
        var folder = Path.Combine(Path.GetFullPath(workspaces.WorkFolder), "index", Guid.CreateVersion7().ToString("N"));
        Directory.CreateDirectory(folder);
        try
        {
            for (var i = 0; i < files.Count; i++)
                await File.WriteAllTextAsync(Path.Combine(folder, NameOf(i)), files[i].Text, cancellationToken);
            var symbols = await TryAsync(folder, files, [.. Enumerable.Range(0, files.Count)], options.BatchTimeout, cancellationToken);
            return symbols is not null
                ? [.. files.Select((file, i) => Facts(file, symbols[i]))]
                : await OneByOneAsync(folder, files, cancellationToken);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<IReadOnlyList<FileFacts>> OneByOneAsync(string folder, IReadOnlyList<SourceFile> files, CancellationToken cancellationToken)
    {
        var facts = new List<FileFacts>();
        var failures = 0;
        for (var i = 0; i < files.Count; i++)
        {
            if (failures >= options.MostFailures)
            {
                facts.Add(FileFacts.ByFile(files[i], "ctags failed on files beside it; read by file"));
                continue;
            }

            var symbols = await TryAsync(folder, files, [i], options.FileTimeout, cancellationToken);
            failures += symbols is null ? 1 : 0;
            facts.Add(symbols is null ? FileFacts.ByFile(files[i], "ctags hangs or fails on it; read by file") : Facts(files[i], symbols[i]));
        }

        return facts;
    }

    private FileFacts Facts(SourceFile file, IReadOnlyList<CodeSymbol> symbols) =>
        new(file, Name, null, FileFacts.CountLines(file.Text), symbols, CodeWords.References(file.Text, symbols), CodeWords.OfFile(file.Path, file.Text));

    /// <summary>Symbols file by file; null when ctags did not come to a good end.</summary>
    private async Task<IReadOnlyList<CodeSymbol>[]?> TryAsync(string folder, IReadOnlyList<SourceFile> files, int[] which, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var found = files.Select(_ => new List<CodeSymbol>()).ToArray();
        var result = await ProcessTree.RunAsync(
            new ProcessSpec
            {
                FileName = options.Command,
                Arguments =
                [
                    "--options=NONE", "--output-format=json", "--fields=+neKSs", "--sort=no", "--links=no", "--recurse=no",
                    $"--language-force={files[0].Language.Ctags}", "-L", "-", "-f", "-",
                ],
                WorkingDirectory = folder,
                CleanEnvironment = true,
                // What it is sorting when it is killed goes with the copies.
                Environment = new Dictionary<string, string?> { ["TMPDIR"] = folder },
                StandardInput = string.Concat(which.Select(i => NameOf(i) + "\n")),
                Limits = new ProcessLimits { WallClock = timeout, MemoryBytes = options.MemoryBytes, OutputBytes = options.OutputBytes, Processes = 8 },
            },
            line =>
            {
                if (line.Stream == OutputStream.StandardOutput && CtagsLine.Read(line.Text) is var (index, symbol) && index < found.Length && found[index].Count < FileFacts.MostSymbols)
                    found[index].Add(symbol);
            },
            cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        return result.Succeeded ? [.. found.Select(symbols => symbols.OrderBy(symbol => symbol.Line).ToList())] : null;
    }

    private async Task<string?> ProbeAsync(CancellationToken cancellationToken)
    {
        var said = new StringBuilder();
        try
        {
            foreach (var question in (string[])["--version", "--list-features"])
            {
                await ProcessTree.RunAsync(
                    new ProcessSpec
                    {
                        FileName = options.Command,
                        Arguments = ["--options=NONE", question],
                        WorkingDirectory = Path.GetTempPath(),
                        CleanEnvironment = true,
                        Limits = new ProcessLimits { WallClock = ProbeTimeout, OutputBytes = 1024 * 1024 },
                    },
                    line => said.Append(line.Stream == OutputStream.StandardOutput ? line.Text + "\n" : ""),
                    cancellationToken);
            }
        }
        catch (CommandNotFoundException)
        {
            return null;
        }

        cancellationToken.ThrowIfCancellationRequested();
        var text = said.ToString();
        var first = text.Split('\n', 2)[0];
        return first.StartsWith("Universal Ctags ", StringComparison.Ordinal) && text.Contains("\njson ", StringComparison.Ordinal)
            ? first["Universal Ctags ".Length..].Split(',', '(')[0].Trim()
            : null;
    }

    private static string NameOf(int index) => $"{index}.src";

    private sealed record Probe(string? Version);
}
