using Cogo.Core.Indexing;
using Cogo.Tests.BuildTest;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Indexing;

public class ScopeTests
{
    [Fact]
    public async Task The_scope_that_comes_with_Cogo_keeps_its_schema()
    {
        var errors = await ReportSchema.ErrorsAsync("configs/kg_scope.v1.schema.json", await File.ReadAllTextAsync(Repository.PathOf("configs/kg_scope.v1.json")), """{"version": 2}""");

        Assert.Equal("", errors[0]);
        Assert.NotEqual("", errors[1]);
    }

    [Theory]
    [InlineData("src/A.cs", "csharp")]
    [InlineData("A.CS", "csharp")]
    [InlineData("a/b/c.py", "python")]
    [InlineData("README.md", "text")]
    [InlineData("src/bin/A.cs", null)]
    [InlineData("bin/A.cs", null)]
    [InlineData("binary/A.cs", "csharp")]
    [InlineData("web/node_modules/x/index.js", null)]
    [InlineData("web/app.min.js", null)]
    [InlineData("logo.png", null)]
    [InlineData("Makefile", null)]
    public void A_file_is_in_scope_by_its_path(string path, string? language) => Assert.Equal(language, KgScope.Default.LanguageOf(path)?.Name);

    [Theory]
    [InlineData("{", "At $")]
    [InlineData("null", "null")]
    [InlineData("""{"version": 2, "include": ["**"], "languages": {"a": {"extensions": [".a"], "analyzer": "file"}}, "max_file_bytes": 1, "max_files": 1}""", "version is 2")]
    [InlineData("""{"version": 1, "include": [], "languages": {"a": {"extensions": [".a"], "analyzer": "file"}}, "max_file_bytes": 1, "max_files": 1}""", "include is empty")]
    [InlineData("""{"version": 1, "include": ["/src/**"], "languages": {"a": {"extensions": [".a"], "analyzer": "file"}}, "max_file_bytes": 1, "max_files": 1}""", "'/src/**' is not a pattern")]
    [InlineData("""{"version": 1, "include": ["../**"], "languages": {"a": {"extensions": [".a"], "analyzer": "file"}}, "max_file_bytes": 1, "max_files": 1}""", "'../**' is not a pattern")]
    [InlineData("""{"version": 1, "include": ["**"], "languages": {"a": {"extensions": ["a"], "analyzer": "file"}}, "max_file_bytes": 1, "max_files": 1}""", "'a' of a is not an extension")]
    [InlineData("""{"version": 1, "include": ["**"], "languages": {"a": {"extensions": [".a"], "analyzer": "magic"}}, "max_file_bytes": 1, "max_files": 1}""", "The analyzer of a is one of")]
    [InlineData("""{"version": 1, "include": ["**"], "languages": {"a": {"extensions": [".a"], "analyzer": "ctags"}}, "max_file_bytes": 1, "max_files": 1}""", "a needs ctags")]
    [InlineData("""{"version": 1, "include": ["**"], "languages": {"a": {"extensions": [".a"], "analyzer": "file"}, "b": {"extensions": [".a"], "analyzer": "file"}}, "max_file_bytes": 1, "max_files": 1}""", "belongs to a and to b")]
    [InlineData("""{"version": 1, "include": ["**"], "languages": {"a": {"extensions": [".a"], "analyzer": "file"}}, "max_file_bytes": 0, "max_files": 1}""", "max_file_bytes is a whole number")]
    [InlineData("""{"version": 1, "odd": 1, "include": ["**"], "languages": {"a": {"extensions": [".a"], "analyzer": "file"}}, "max_file_bytes": 1, "max_files": 1}""", "odd")]
    public void What_is_no_scope_is_refused_in_a_sentence(string text, string words) =>
        Assert.Contains(words, Assert.Throws<FormatException>(() => KgScope.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("ParseHTTPDate2", "parsehttpdate2 parse http date2")]
    [InlineData("_private_name", "_private_name private name")]
    [InlineData("x", "")]
    [InlineData("größe", "größe")]
    public void A_name_is_found_by_its_parts(string name, string words) => Assert.Equal(words, string.Join(' ', CodeWords.OfName(name)));

    [Fact]
    public void A_tasks_words_are_those_that_code_may_have() =>
        Assert.Equal(["parse_date", "parse", "date", "httpclient", "http", "client", "leap", "years"], TaskWords.Of("Please fix the parse_date of HttpClient for leap years, and the tests"));
}
