using System.Globalization;
using System.Text;

namespace Cogo.Benchmarks.Cases;

/// <summary>A git repository of C# that nobody wrote: the same text on every machine, with the names and nesting of ordinary code.</summary>
internal sealed class SyntheticRepository : IDisposable
{
    private static readonly string[] Nouns = ["Order", "Invoice", "Customer", "Ledger", "Shipment", "Payment", "Cart", "Price", "Stock", "Audit", "Report", "Tenant"];
    private static readonly string[] Verbs = ["Parse", "Load", "Store", "Merge", "Check", "Apply", "Count", "Render", "Resolve", "Publish"];

    private SyntheticRepository(string folder) => Folder = folder;

    public string Folder { get; }

    /// <summary>Of C#, in all files.</summary>
    public int Lines { get; private set; }

    public static async Task<SyntheticRepository> CreateAsync(string folder, int lines, CancellationToken cancellationToken)
    {
        var repository = new SyntheticRepository(folder);
        Directory.CreateDirectory(folder);
        await repository.GitAsync(["init", "--quiet", "--initial-branch=main"], cancellationToken);
        for (var file = 0; repository.Lines < lines; file++)
        {
            var text = Text(file);
            repository.Lines += text.AsSpan().Count('\n');
            await repository.WriteAsync($"src/{Nouns[file % Nouns.Length]}/{Name(file)}.cs", text, cancellationToken);
        }

        await repository.CommitAsync(cancellationToken);
        return repository;
    }

    public async Task WriteAsync(string path, string text, CancellationToken cancellationToken)
    {
        var full = Path.Combine(Folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        await File.WriteAllTextAsync(full, text, cancellationToken);
    }

    public async Task CommitAsync(CancellationToken cancellationToken)
    {
        await GitAsync(["add", "--all"], cancellationToken);
        await GitAsync(["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "commit.gpgSign=false", "commit", "--quiet", "--message", "more"], cancellationToken);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    public static string Text(int file)
    {
        var text = new StringBuilder();
        var type = Name(file);
        text.Append(CultureInfo.InvariantCulture, $"using System;\nusing System.Collections.Generic;\nusing System.Linq;\n\nnamespace Shop.{Nouns[file % Nouns.Length]}s;\n\n/// <summary>Keeps what {type} needs.</summary>\npublic sealed class {type}\n{{\n");
        for (var member = 0; member < 10; member++)
        {
            var noun = Nouns[(file + member) % Nouns.Length];
            var verb = Verbs[(file + (3 * member)) % Verbs.Length];
            var other = Name((file * 7) + member);
            text.Append(CultureInfo.InvariantCulture, $$"""
                    private readonly Dictionary<string, {{other}}> _{{noun.ToLowerInvariant()}}{{member}} = new(StringComparer.Ordinal);

                    public int {{noun}}Count{{member}} { get; private set; }

                    /// <summary>{{verb}}s each {{noun}} once.</summary>
                    public IReadOnlyList<{{other}}> {{verb}}{{noun}}{{member}}(IEnumerable<{{other}}> items, int limit)
                    {
                        ArgumentNullException.ThrowIfNull(items);
                        foreach (var item in items.Where(one => one.{{noun}}Count{{member}} < limit))
                        {
                            // The last one of a name counts.
                            _{{noun.ToLowerInvariant()}}{{member}}[$"{item.{{noun}}Count{{member}}}:{limit}"] = item;
                            {{noun}}Count{{member}} += item.{{noun}}Count{{member}} > 0 ? 1 : 0;
                        }

                        return [.. _{{noun.ToLowerInvariant()}}{{member}}.Values];
                    }


                """);
        }

        return text.Append("}\n").ToString();
    }

    private static string Name(int file) => $"{Nouns[file % Nouns.Length]}{Verbs[file / 3 % Verbs.Length]}er{file}";

    private Task<string> GitAsync(string[] arguments, CancellationToken cancellationToken) =>
        ToolProcess.RunAsync("git", arguments, Folder, new Dictionary<string, string>(StringComparer.Ordinal) { ["GIT_CONFIG_GLOBAL"] = "/dev/null" }, null, cancellationToken);
}
