using System.Text;
using Cogo.Core.Indexing;
using Cogo.Core.Workspaces;
using Cogo.Tests.Workspaces;
using Cogo.Workers.Indexing;
using Xunit;

namespace Cogo.Tests.Indexing;

public class HostileRepositoryTests
{
    [Fact]
    public async Task Huge_binary_linked_and_oddly_named_files_are_left_out_and_said()
    {
        await using var fixture = await IndexFixture.CreateAsync();
        var folder = fixture.Repository.Folder;
        await File.WriteAllTextAsync(Path.Combine(fixture.In("."), "secret.cs"), "class TopSecret { }\n");
        File.CreateSymbolicLink(Path.Combine(folder, "link.cs"), "../secret.cs");
        File.CreateSymbolicLink(Path.Combine(folder, "folder"), "..");
        await File.WriteAllTextAsync(Path.Combine(folder, "huge.cs"), "class Huge { }" + new string(' ', KgScope.Default.MaxFileBytes));
        await File.WriteAllBytesAsync(Path.Combine(folder, "binary.cs"), [.. Enumerable.Range(0, 2000).Select(i => (byte)i)]);
        await File.WriteAllTextAsync(Path.Combine(folder, "new\nline.cs"), "class NewLine { }\n");
        await File.WriteAllBytesAsync(Path.Combine(folder, "broken.cs"), [.. "class Broken { string s = \""u8, 0xFF, 0xC3, 0xED, 0xA0, 0x80, .. "\"; }\n"u8]);
        await File.WriteAllBytesAsync(Path.Combine(folder, "utf16.cs"), [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes("class Wide { }\n")]);
        fixture.Repository.Commit("hostile");

        var result = await fixture.IndexAsync();

        Assert.Equal(["binary.cs", "huge.cs", "link.cs", "new line.cs"], result.Remarks.Select(remark => remark.Path).Order(StringComparer.Ordinal));
        Assert.Equal(4, result.Skipped);
        Assert.Empty(await fixture.SearchAsync("TopSecret"));
        Assert.NotEmpty(await fixture.SearchAsync("Broken", "symbol"));
        Assert.NotEmpty(await fixture.SearchAsync("Wide", "symbol"));
    }

    [Fact]
    public async Task Nesting_without_end_and_endless_names_neither_end_the_worker_nor_fill_the_database()
    {
        await using var fixture = await IndexFixture.CreateAsync();
        var many = new StringBuilder("class Many {\n");
        for (var i = 0; i < 30_000; i++)
            many.Append("int f").Append(i).Append(";\n");

        var result = await fixture.CommitAndIndexAsync(
            ("deep.cs", "class Deep { int x = " + new string('(', 200_000) + "1" + new string(')', 200_000) + "; }"),
            ("blocks.cs", "class Blocks { void M() " + new string('{', 100_000) + new string('}', 100_000) + " }"),
            ("sum.cs", "class Sum { int x = " + string.Join('+', Enumerable.Repeat("a", 100_000)) + "; }"),
            ("angles.cs", "class Angles { " + string.Concat(Enumerable.Repeat("A<", 200_000)) + " x; }"),
            ("hole.cs", "class Hole { string s = $\"{" + new string('(', 200_000) + "1" + new string(')', 200_000) + "}\"; }"),
            ("crossed.cs", "class Crossed { int x = " + string.Concat(Enumerable.Repeat("(]", 100_000)) + "; }"),
            ("not.cs", "class Not { bool x = 1 is " + string.Concat(Enumerable.Repeat("not ", 100_000)) + "2; }"),
            ("lambda.cs", "class Lambda { object x = " + string.Concat(Enumerable.Repeat("a=>", 100_000)) + "2; }"),
            ("else.cs", "class Else { void M() { " + string.Concat(Enumerable.Repeat("if (a) ; else ", 50_000)) + ";} }"),
            ("nearly.cs", "class Nearly { int x = " + string.Concat(Enumerable.Repeat(new string('(', 900) + "1" + new string(')', 900) + "+", 200)) + "1; }"),
            ("long.cs", "class " + new string('N', 100_000) + " { }"),
            ("words.cs", "// " + string.Join(' ', Enumerable.Range(0, 19_000).Select(i => $"A{i:00000}{new string('ü', 20)}B{i:00000}{new string('ü', 20)}"))[..500_000]),
            ("many.cs", many + "}"),
            ("deep.py", new string('[', 200_000)));

        Assert.Equal(17, result.Files);
        Assert.NotEmpty(await fixture.SearchAsync("Sum", "symbol"));
        Assert.Equal(FileFacts.MostSymbols, await fixture.Database.ScalarAsync<int>("select symbols from code_files where path = 'many.cs'"));
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from code_symbols where length(name) > 200"));
        Assert.True(await fixture.Database.ScalarAsync<int>("select max(cardinality(words)) from code_files") <= FileFacts.MostWords + 20);
    }

    [Fact]
    public async Task A_file_on_which_ctags_hangs_is_found_by_itself_and_read_by_file()
    {
        await using var fixture = await IndexFixture.CreateAsync();
        fixture.Ctags = new CtagsOptions
        {
            // The real one, but for files that say so.
            Command = Script(fixture, "for f in $(cat); do if grep -q HANG $f 2>/dev/null; then sleep 600; fi; echo $f; done | ctags \"$@\""),
            BatchTimeout = TimeSpan.FromSeconds(2),
            FileTimeout = TimeSpan.FromSeconds(1),
        };

        var result = await fixture.CommitAndIndexAsync(("a.py", "def fine_one(): pass\n"), ("b.py", "def hangs(): pass # HANG\n"), ("c.py", "def fine_two(): pass\n"));

        Assert.Equal("ctags hangs or fails on it; read by file", Assert.Single(result.Remarks).Reason);
        Assert.NotEmpty(await fixture.SearchAsync("fine_one", "symbol"));
        Assert.NotEmpty(await fixture.SearchAsync("fine_two", "symbol"));
        Assert.Empty(await fixture.SearchAsync("hangs", "symbol"));
        Assert.Equal(["b.py"], await fixture.SearchAsync("hangs", "file"));
        Assert.True((await fixture.IndexAsync()).Unchanged);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(fixture.Workspaces.WorkFolder, "index")));
    }

    [Fact]
    public async Task Without_ctags_files_are_read_by_file_and_again_once_it_is_there()
    {
        await using var fixture = await IndexFixture.CreateAsync();
        fixture.Ctags = new CtagsOptions { Command = "no-such-ctags" };
        var without = await fixture.CommitAndIndexAsync(("a.py", "def found_later(): pass\n"));
        Assert.Equal(["ctags"], without.Missing);
        Assert.Equal(["a.py"], await fixture.SearchAsync("found_later"));

        fixture.Ctags = new CtagsOptions();
        var with = await fixture.IndexAsync();

        Assert.False(with.Unchanged);
        Assert.Equal(["a.py:1 found_later", "a.py"], await fixture.SearchAsync("found_later"));
    }

    [Fact]
    public async Task Too_many_files_are_refused_before_any_is_read()
    {
        await using var fixture = await IndexFixture.CreateAsync();
        fixture.Scope = KgScope.Parse("""{"version": 1, "include": ["**"], "languages": {"text": {"extensions": [".txt"], "analyzer": "file"}}, "max_file_bytes": 1000, "max_files": 1}""");

        var refused = await Assert.ThrowsAsync<WorkspaceException>(() => fixture.IndexAsync());

        Assert.Equal("too_many_files", refused.Code);
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from code_files"));
    }

    private static string Script(IndexFixture fixture, string line)
    {
        var path = fixture.In("ctags.sh");
        File.WriteAllText(path, $"#!/bin/sh\ncase \"$2\" in --version|--list-features) exec ctags \"$@\";; esac\n{line}\n");
        GitRepository.SetMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return path;
    }
}
