using Cogo.Core.Indexing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Cogo.Workers.Indexing;

/// <summary>
/// C# by its syntax trees: what is declared, and which names are used where. Names are not bound, so two members of one
/// name are one name. A file that has syntax errors is read as far as it goes.
/// </summary>
public sealed class CSharpAnalyzer(TimeProvider time) : ILanguageAnalyzer
{
    /// <summary>Reserved, not used, but for the file that needs it.</summary>
    private const int StackBytes = 128 * 1024 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly CSharpParseOptions Options = new(LanguageVersion.Preview, DocumentationMode.None);

    public string Name => ScopeLanguage.Roslyn;

    public ValueTask<string?> VersionAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult<string?>(typeof(CSharpSyntaxTree).Assembly.GetName().Version!.ToString(2));

    public async Task<IReadOnlyList<FileFacts>> AnalyzeAsync(IReadOnlyList<SourceFile> files, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(files);
        var facts = new List<FileFacts>(files.Count);
        foreach (var file in files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                // The parser cannot be stopped; one that takes too long is left to itself.
                facts.Add(await ReadAsync(file, cancellationToken).WaitAsync(Patience, time, cancellationToken));
            }
            catch (TimeoutException)
            {
                facts.Add(FileFacts.ByFile(file, $"the C# parser took more than {Patience.TotalSeconds:0} s; read by file"));
            }
        }

        return facts;
    }

    /// <summary>On a thread with a stack that what <see cref="CSharpNesting"/> lets through cannot fill.</summary>
    private Task<FileFacts> ReadAsync(SourceFile file, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource<FileFacts>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(
            () =>
            {
                try
                {
                    done.SetResult(Read(file, cancellationToken));
                }
                catch (Exception e)
                {
                    done.SetException(e);
                }
            },
            StackBytes)
        { IsBackground = true, Name = "cogo-csharp" };
        thread.Start();
        return done.Task;
    }

    private FileFacts Read(SourceFile file, CancellationToken cancellationToken)
    {
        if (CSharpNesting.IsTooDeep(file.Text, Options))
            return FileFacts.ByFile(file, "nested too deeply for the C# parser; read by file");

        var root = CSharpSyntaxTree.ParseText(file.Text, Options, cancellationToken: cancellationToken).GetRoot(cancellationToken);
        var reading = new CSharpFile(root, cancellationToken);
        return new FileFacts(file, Name, null, FileFacts.CountLines(file.Text), reading.Symbols, reading.References, CodeWords.OfFile(file.Path, file.Text));
    }

    /// <summary>One file's tree, read once from its first node to its last. Without recursion: the nesting is the repository's to choose.</summary>
    private sealed class CSharpFile
    {
        private const int LookEvery = 4096;

        private readonly List<CodeSymbol> _symbols = [];
        private readonly ReferenceCollector _references = new();
        private readonly Dictionary<SyntaxNode, string?> _containers = [];

        public CSharpFile(SyntaxNode root, CancellationToken cancellationToken)
        {
            var lines = root.SyntaxTree.GetText(cancellationToken).Lines;
            var count = 0;
            foreach (var node in root.DescendantNodes())
            {
                if (++count % LookEvery == 0)
                    cancellationToken.ThrowIfCancellationRequested();
                if (node is SimpleNameSyntax { IsMissing: false } name && name is not IdentifierNameSyntax { IsVar: true } && FileFacts.IsName(name.Identifier.ValueText))
                    _references.Add(name.Identifier.ValueText, lines.GetLineFromPosition(name.SpanStart).LineNumber + 1);
                else if (CSharpDeclaration.Of(node) is { } declared && FileFacts.IsName(declared.Name) && _symbols.Count < FileFacts.MostSymbols)
                    Add(node, declared, lines);
            }
        }

        public IReadOnlyList<CodeSymbol> Symbols => _symbols;

        public IReadOnlyList<CodeReference> References => _references.ToList();

        private void Add(SyntaxNode node, CSharpDeclaration declared, Microsoft.CodeAnalysis.Text.TextLineCollection lines)
        {
            var container = ContainerOf(node);
            _symbols.Add(new CodeSymbol(
                declared.Name, declared.Kind, container, FileFacts.Tidy(declared.Signature, FileFacts.LongestSignature),
                lines.GetLineFromPosition(declared.Position).LineNumber + 1, lines.GetLineFromPosition(Math.Max(node.Span.End - 1, declared.Position)).LineNumber + 1));
            if (declared.Holds)
                _containers[node] = Cut(container is null ? declared.Name : $"{container}.{declared.Name}");
        }

        // Parents come before their children, so the nearest one that holds anything is known.
        private string? ContainerOf(SyntaxNode node)
        {
            for (var parent = node.Parent; parent is not null; parent = parent.Parent)
            {
                if (_containers.TryGetValue(parent, out var known))
                    return known;
            }

            return null;
        }

        private static string Cut(string text) => text.Length <= FileFacts.LongestSignature ? text : text[..FileFacts.LongestSignature];
    }
}
