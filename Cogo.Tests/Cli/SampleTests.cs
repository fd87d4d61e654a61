using Cogo.Tests.Fixtures;
using Cogo.Tests.Workspaces;
using Xunit;

namespace Cogo.Tests.Cli;

/// <summary>The samples, as the README runs them: the whole system, real git, real tools.</summary>
public sealed class SampleTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly CommandLine _cogo;
    private TestDatabase _database = null!;

    public SampleTests() => _cogo = new CommandLine(_folder.Path);

    public async ValueTask InitializeAsync() => _database = await PostgresServers.CreateEmptyDatabaseAsync();

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("node", "good", 0)]
    [InlineData("node", "bad", 1)]
    [InlineData("shell", "good", 0)]
    [InlineData("shell", "bad", 1)]
    [InlineData("csharp", "good", 0)]
    public async Task A_good_patch_is_green_and_a_bad_one_red(string sample, string patch, int code)
    {
        var repository = Copy(sample);
        var before = repository.Fingerprint();

        var ran = await RunAsync("--repo", "repo", "--patch", $"repo/{patch}.patch");

        Assert.True(ran.Code == code, ran.ToString());
        var result = ran.Lines[^1];
        Assert.Equal(
            ["execute_enqueued", "execute_done", "codegen_done", "buildtest_done"],
            Events(ran).Where(type => !type.EndsWith("_progress", StringComparison.Ordinal)));
        var tests = result.GetProperty("report").GetProperty("tests");
        Assert.True(tests.GetProperty("passed").GetInt32() > 0);
        var failing = tests.GetProperty("cases").EnumerateArray().Where(test => test.GetProperty("outcome").GetString() == "failed").ToList();
        Assert.Equal(code == 0, failing.Count == 0);
        Assert.All(failing, test => Assert.True(File.Exists(Path.Combine(repository.Folder, test.GetProperty("file").GetString()!)), test.ToString()));
        Assert.All(failing, test => Assert.True(test.GetProperty("line").GetInt32() > 0));
        Assert.All(result.GetProperty("artifacts").EnumerateArray(), artifact => Assert.Equal(artifact.GetProperty("bytes").GetInt64(), new FileInfo(artifact.GetProperty("file").GetString()!).Length));
        Assert.Equal(before, repository.Fingerprint());
    }

    [Fact]
    public async Task A_folder_that_is_no_repository_exits_3()
    {
        Directory.CreateDirectory(_folder.In("plain"));

        _cogo.Input = "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n"u8.ToArray();

        await RefusedAsync("not_a_repository", "--repo", "plain", "--patch", "-");
    }

    [Fact]
    public async Task Uncommitted_changes_exit_3_unless_they_are_allowed()
    {
        var repository = Copy("shell");
        repository.Write("src/semver.sh", "broken (");

        await RefusedAsync("dirty_repository", "--repo", "repo", "--patch", "repo/good.patch");

        var allowed = await RunAsync("--repo", "repo", "--patch", "repo/good.patch", "--allow-dirty");
        Assert.True(allowed.Code == 0, allowed.ToString());
    }

    [Fact]
    public async Task A_patch_that_does_not_apply_exits_3()
    {
        Copy("shell");
        _cogo.Input = "--- a/src/semver.sh\n+++ b/src/semver.sh\n@@ -1 +1 @@\n-not there\n+either\n"u8.ToArray();

        await RefusedAsync("patch_does_not_apply", "--repo", "repo", "--patch", "-");
    }

    [Fact]
    public async Task A_base_that_does_not_exist_exits_3()
    {
        Copy("shell");

        await RefusedAsync("unknown_base", "--repo", "repo", "--patch", "repo/good.patch", "--base", "nowhere");
    }

    private static string SampleFolder(string name)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Cogo.sln")))
            {
                return Path.Combine(folder.FullName, "samples", name);
            }
        }

        throw new DirectoryNotFoundException($"{AppContext.BaseDirectory} is not below the repository.");
    }

    private async Task RefusedAsync(string code, params string[] arguments)
    {
        var ran = await RunAsync(arguments);

        Assert.True(ran.Code == 3, ran.ToString());
        var result = ran.Lines[^1];
        Assert.Equal(("invalid", code), (result.GetProperty("verdict").GetString(), result.GetProperty("code").GetString()));
        Assert.NotEmpty(result.GetProperty("reason").GetString()!);
        Assert.Contains("codegen_failed", Events(ran));
    }

    private Task<Ran> RunAsync(params string[] arguments) =>
        _cogo.RunAsync(["run", "--json", "--database", _database.ConnectionString, .. arguments]);

    private static List<string> Events(Ran ran) =>
        [.. ran.Lines.Where(line => line.GetProperty("type").GetString() == "event").Select(line => line.GetProperty("event").GetString()!)];

    private GitRepository Copy(string sample)
    {
        var source = SampleFolder(sample);
        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            var relative = Path.GetRelativePath(source, file);
            if (!relative.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj" or "node_modules"))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(_folder.In("repo", relative))!);
                File.Copy(file, _folder.In("repo", relative));
            }
        }

        var repository = new GitRepository(_folder.In("repo"), empty: true);
        repository.Commit("sample");
        return repository;
    }
}
