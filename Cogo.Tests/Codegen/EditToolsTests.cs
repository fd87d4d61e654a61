using System.Text.Json;
using Cogo.Core.Workspaces;
using Cogo.Tests.Workspaces;
using Cogo.Workers.Codegen.OpenAi;
using Xunit;

namespace Cogo.Tests.Codegen;

public sealed class EditToolsTests : IAsyncLifetime
{
    private readonly WorkspaceFixture _workspace = new();
    private WorkingCopy _copy = null!;
    private EditTools _tools = null!;

    public async ValueTask InitializeAsync()
    {
        _workspace.Repository.Write("crlf.txt", "one\r\ntwo\r\n");
        _workspace.Repository.Write("image.bin", "\0PNG");
        _workspace.Repository.Write(".gitignore", "ignored/\n");
        File.CreateSymbolicLink(Path.Combine(_workspace.Repository.Folder, "link"), "/etc");
        _workspace.Repository.Commit("more");
        _copy = await _workspace.CheckOutAsync();
        _tools = new EditTools(_copy);
    }

    public async ValueTask DisposeAsync()
    {
        await _copy.DisposeAsync();
        _workspace.Dispose();
    }

    public static TheoryData<string> Outside => ["../out.txt", "/etc/cogo-test", "sub/../../out.txt", "link/cogo-test", ".git/hooks/post-checkout", ".GIT/config", "sub\\x.txt"];

    [Theory]
    [MemberData(nameof(Outside))]
    public async Task No_path_leaves_the_project(string path)
    {
        foreach (var (tool, arguments) in new (string, object)[]
        {
            ("write_file", new { path, content = "x" }),
            ("read_file", new { path }),
            ("replace_in_file", new { path, old = "a", @new = "b" }),
            ("delete_file", new { path }),
        })
        {
            Assert.StartsWith("error: ", await CallAsync(tool, arguments), StringComparison.Ordinal);
        }

        Assert.False(_tools.HasEdited);
        Assert.Empty((await _copy.TakeChangeAsync(PatchRules.Stored, default)).Files);
    }

    [Fact]
    public async Task Reading_numbers_the_lines_and_takes_a_range()
    {
        Assert.Equal("1\tone\n2\ttwo\n3\tthree\n", await CallAsync("read_file", new { path = "hello.txt" }));
        Assert.Equal("2\ttwo\n", await CallAsync("read_file", new { path = "hello.txt", start_line = "2", end_line = 2 }));
        Assert.Contains("has 3 lines", await CallAsync("read_file", new { path = "hello.txt", start_line = 9 }), StringComparison.Ordinal);
        Assert.Contains("binary", await CallAsync("read_file", new { path = "image.bin" }), StringComparison.Ordinal);
        Assert.Contains("is a folder", await CallAsync("read_file", new { path = "sub" }), StringComparison.Ordinal);
        Assert.Contains("no file", await CallAsync("read_file", new { path = "nowhere.txt" }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_file_is_read_in_pieces_that_say_where_to_go_on()
    {
        await File.WriteAllTextAsync(Path.Combine(_copy.Root, "long.txt"), string.Concat(Enumerable.Range(1, 20_000).Select(i => $"line {i}\n")));

        var first = await CallAsync("read_file", new { path = "long.txt" });

        Assert.InRange(first.Length, 10_000, 60_000);
        var next = int.Parse(first.Split("start_line ")[1].Split(' ')[0]);
        Assert.StartsWith($"{next}\tline {next}\n", await CallAsync("read_file", new { path = "long.txt", start_line = next }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Searching_and_listing_see_the_project_and_what_was_just_written()
    {
        await CallAsync("write_file", new { path = "deep/new/file.txt", content = "TWO more\n" });

        Assert.Equal("crlf.txt:2: two\ndeep/new/file.txt:1: TWO more\nhello.txt:2: two\n", await CallAsync("search", new { pattern = "^two", ignore_case = true }));
        Assert.Equal("hello.txt:2: two\n", await CallAsync("search", new { pattern = "two", path = "hello.txt" }));
        Assert.Equal("(no line matches)", await CallAsync("search", new { pattern = "root:", path = "link" }));
        Assert.Contains("not a regular expression", await CallAsync("search", new { pattern = "(" }), StringComparison.Ordinal);
        Assert.Equal("deep/new/file.txt\n", await CallAsync("list_files", new { path = "./deep/" }));
    }

    [Fact]
    public async Task Replacing_wants_one_place_unless_told_otherwise()
    {
        await CallAsync("write_file", new { path = "twice.txt", content = "x = 1\nx = 1\n" });

        Assert.Contains("2 times", await CallAsync("replace_in_file", new { path = "twice.txt", old = "x = 1", @new = "x = 2" }), StringComparison.Ordinal);
        Assert.Contains("does not occur", await CallAsync("replace_in_file", new { path = "twice.txt", old = "y", @new = "z" }), StringComparison.Ordinal);
        await CallAsync("replace_in_file", new { path = "twice.txt", old = "x = 1", @new = "x = 2", all = true });

        Assert.Equal("x = 2\nx = 2\n", await ContentAsync("twice.txt"));
    }

    [Fact]
    public async Task A_file_of_CR_LF_stays_one()
    {
        await CallAsync("replace_in_file", new { path = "crlf.txt", old = "one\ntwo", @new = "one\nand a half\ntwo" });
        Assert.Equal("one\r\nand a half\r\ntwo\r\n", await ContentAsync("crlf.txt"));

        await CallAsync("replace_in_file", new { path = "crlf.txt", old = "half", @new = "half\nor so" });
        Assert.Equal("one\r\nand a half\r\nor so\r\ntwo\r\n", await ContentAsync("crlf.txt"));

        await CallAsync("write_file", new { path = "crlf.txt", content = "all\nnew\n" });
        Assert.Equal("all\r\nnew\r\n", await ContentAsync("crlf.txt"));
    }

    [Fact]
    public async Task Bad_calls_are_answered_with_what_is_wrong()
    {
        Assert.Contains("no tool 'run'", await CallAsync("run", new { command = "ls" }), StringComparison.Ordinal);
        Assert.Contains("'content' is missing", await CallAsync("write_file", new { path = "a.txt" }), StringComparison.Ordinal);
        Assert.Contains("not JSON", (await _tools.CallAsync("read_file", "{\"path\":", default)).Text, StringComparison.Ordinal);
        Assert.Contains("not a JSON object", (await _tools.CallAsync("read_file", "[1]", default)).Text, StringComparison.Ordinal);
        Assert.Contains("half a character", (await _tools.CallAsync("read_file", """{"path":"\ud800"}""", default)).Text, StringComparison.Ordinal);
        Assert.Contains("is a folder", await CallAsync("write_file", new { path = "sub", content = "x" }), StringComparison.Ordinal);
        Assert.Contains("hello.txt is a file", await CallAsync("write_file", new { path = "hello.txt/x", content = "x" }), StringComparison.Ordinal);
        Assert.StartsWith("error: ", await CallAsync("write_file", new { path = new string('n', 300), content = "x" }), StringComparison.Ordinal);
        Assert.Contains("at most", await CallAsync("write_file", new { path = "big.txt", content = new string('x', 3_000_000) }), StringComparison.Ordinal);
        Assert.False(_tools.HasEdited);
    }

    [Fact]
    public async Task What_was_written_and_deleted_is_the_change()
    {
        await CallAsync("write_file", new { path = "./ignored//made.txt", content = "x\n" });
        await CallAsync("write_file", new { path = "gone.txt", content = "x\n" });
        await CallAsync("delete_file", new { path = "gone.txt" });
        await CallAsync("delete_file", new { path = "hello.txt" });
        Assert.Equal("ok", await CallAsync("finish", new { summary = "done" }));

        Assert.True(_tools.Finished);
        Assert.Equal(["ignored/made.txt"], _tools.Written);
        await _copy.IncludeAsync([.. _tools.Written], default);
        var change = await _copy.TakeChangeAsync(PatchRules.Stored, default);
        Assert.Equal([("hello.txt", FileChange.Deleted), ("ignored/made.txt", FileChange.Added)], change.Files.Select(file => (file.Path, file.Change)).Order());
    }

    private async Task<string> CallAsync(string tool, object arguments) => (await _tools.CallAsync(tool, JsonSerializer.Serialize(arguments), default)).Text;

    private Task<string> ContentAsync(string path) => File.ReadAllTextAsync(Path.Combine(_copy.Root, path));
}
