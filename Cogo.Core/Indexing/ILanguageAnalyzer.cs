namespace Cogo.Core.Indexing;

/// <summary>Finds what files declare and use. What it cannot read it gives back as <see cref="FileFacts.ByFile"/> with a note: a file never fails an indexing.</summary>
public interface ILanguageAnalyzer
{
    /// <summary>The word in <see cref="ScopeLanguage.Analyzer"/>.</summary>
    string Name { get; }

    /// <summary>Changes with what it would find, such as the version of a tool; null where it cannot run here and files are read by file instead.</summary>
    ValueTask<string?> VersionAsync(CancellationToken cancellationToken);

    /// <summary>Facts about each file, in their order. Called for several batches at once; all files of a batch are of one language.</summary>
    Task<IReadOnlyList<FileFacts>> AnalyzeAsync(IReadOnlyList<SourceFile> files, CancellationToken cancellationToken);
}
