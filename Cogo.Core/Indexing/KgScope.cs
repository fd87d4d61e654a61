using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Cogo.Core.Indexing;

/// <summary>What the code index holds: <c>configs/kg_scope.v1.json</c>.</summary>
public sealed partial class KgScope
{
    private const string Shipped = "kg_scope.v1.json";

    private readonly PathGlob _include;
    private readonly PathGlob _exclude;
    private readonly Dictionary<string, ScopeLanguage> _byExtension = new(StringComparer.OrdinalIgnoreCase);

    private KgScope(ScopeFile file, string text)
    {
        _include = new PathGlob(file.Include);
        _exclude = new PathGlob(file.Exclude ?? []);
        MaxFileBytes = file.MaxFileBytes;
        MaxFiles = file.MaxFiles;
        Fingerprint = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
        foreach (var (name, language) in file.Languages)
        {
            foreach (var extension in language.Extensions)
            {
                if (!_byExtension.TryAdd(extension, new ScopeLanguage(name, language.Analyzer, language.Ctags)))
                {
                    throw new FormatException($"The extension {extension} belongs to {_byExtension[extension].Name} and to {name}: leave one out.");
                }
            }
        }
    }

    /// <summary>Of a file, in bytes; larger ones are left out.</summary>
    public int MaxFileBytes { get; }

    /// <summary>In scope; a repository with more is refused.</summary>
    public int MaxFiles { get; }

    /// <summary>Changes with the scope's text.</summary>
    public string Fingerprint { get; }

    /// <summary>The scope that comes with Cogo.</summary>
    public static KgScope Default { get; } = ReadShipped();

    /// <summary>The language that a file is read as; null when it is out of scope.</summary>
    public ScopeLanguage? LanguageOf(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return _byExtension.TryGetValue(Path.GetExtension(path), out var language) && _include.IsMatch(path) && !_exclude.IsMatch(path) ? language : null;
    }

    /// <exception cref="FormatException">The file is not there, or is no scope; the message says where and what to write.</exception>
    public static KgScope Load(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new FormatException($"The scope of the code index, {path}, cannot be used: {e.Message}", e);
        }
    }

    /// <exception cref="FormatException">The text is no scope.</exception>
    public static KgScope Parse(string text)
    {
        ScopeFile? file;
        try
        {
            file = JsonSerializer.Deserialize<ScopeFile>(text, CogoJson.Options);
        }
        catch (JsonException e)
        {
            throw new FormatException($"At {e.Path ?? "$"}: {e.Message}", e);
        }

        return file is null ? throw new FormatException("It is null: write a JSON object.")
            : file.Version != 1 ? throw new FormatException($"version is {file.Version}: this Cogo reads version 1.")
            : file.Include is not { Count: > 0 } ? throw new FormatException("include is empty: write [\"**\"] for everything.")
            : file.Languages is not { Count: > 0 } ? throw new FormatException("languages is empty: name at least one.")
            : file.MaxFileBytes is < 1 or > 16 * 1024 * 1024 ? throw new FormatException("max_file_bytes is a whole number from 1 to 16777216.")
            : file.MaxFiles is < 1 or > 10_000_000 ? throw new FormatException("max_files is a whole number from 1 to 10000000.")
            : file.Languages.FirstOrDefault(one => Problem(one.Key, one.Value) is not null) is { Key: not null } bad ? throw new FormatException(Problem(bad.Key, bad.Value))
            : new KgScope(file, text);
    }

    private static KgScope ReadShipped()
    {
        using var stream = typeof(KgScope).Assembly.GetManifestResourceStream(Shipped)!;
        using var reader = new StreamReader(stream);
        return Parse(reader.ReadToEnd());
    }

    private static string? Problem(string name, LanguageEntry? language) =>
        !LanguageName().IsMatch(name) ? $"'{name}' is not a language's name: write it in lower case."
        : language?.Extensions is not { Count: > 0 } ? $"{name} has no extensions."
        : language.Extensions.FirstOrDefault(extension => extension is null || !Extension().IsMatch(extension)) is { } odd ? $"'{odd}' of {name} is not an extension: write it like .cs, in lower case."
        : language.Analyzer is not (ScopeLanguage.Roslyn or ScopeLanguage.UniversalCtags or ScopeLanguage.FileOnly) ? $"The analyzer of {name} is one of {ScopeLanguage.Roslyn}, {ScopeLanguage.UniversalCtags}, {ScopeLanguage.FileOnly}."
        : language.Analyzer == ScopeLanguage.UniversalCtags && (language.Ctags is null || !CtagsName().IsMatch(language.Ctags)) ? $"{name} needs ctags: the language's name as `ctags --list-languages` prints it."
        : null;

    [GeneratedRegex(@"\A[a-z][a-z0-9_-]{0,30}\z", RegexOptions.None, 1000)]
    private static partial Regex LanguageName();

    [GeneratedRegex(@"\A\.[a-z0-9+_-]{1,20}\z", RegexOptions.None, 1000)]
    private static partial Regex Extension();

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9+#_-]{0,30}\z", RegexOptions.None, 1000)]
    private static partial Regex CtagsName();

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    private sealed record ScopeFile
    {
        [JsonPropertyName("$schema")]
        public string? Schema { get; init; }

        public required int Version { get; init; }

        public required IReadOnlyList<string> Include { get; init; }

        public IReadOnlyList<string>? Exclude { get; init; }

        public required IReadOnlyDictionary<string, LanguageEntry> Languages { get; init; }

        public required int MaxFileBytes { get; init; }

        public required int MaxFiles { get; init; }
    }

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    private sealed record LanguageEntry
    {
        public required IReadOnlyList<string> Extensions { get; init; }

        public required string Analyzer { get; init; }

        public string? Ctags { get; init; }
    }
}

/// <summary>How files of a language are read.</summary>
/// <param name="Name">Such as <c>csharp</c>.</param>
/// <param name="Analyzer">One of the constants.</param>
/// <param name="Ctags">The language's name for ctags.</param>
public sealed record ScopeLanguage(string Name, string Analyzer, string? Ctags)
{
    public const string Roslyn = "roslyn";
    public const string UniversalCtags = "ctags";
    public const string FileOnly = "file";
}
