using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Deploy;

public sealed class ReleaseTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Root => _folder.In("cogo");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_release_is_switched_on_and_rolled_back()
    {
        await InstallAsync("v1.0.0", "v1.1.0");

        Assert.Contains("v1.0.0 is current", (await ReleaseAsync("activate", Root, "v1.0.0")).Output, StringComparison.Ordinal);
        Assert.Contains("v1.1.0 is current, v1.0.0 was", (await ReleaseAsync("activate", Root, "v1.1.0")).Output, StringComparison.Ordinal);
        Assert.Equal("v1.1.0", await File.ReadAllTextAsync(Path.Combine(Root, "current", "version")));
        await ReleaseAsync("rollback", Root);
        Assert.Equal("v1.0.0", await File.ReadAllTextAsync(Path.Combine(Root, "current", "version")));
        Assert.Contains("v1.1.0 previous", (await ReleaseAsync("list", Root)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task There_is_no_moment_without_a_current_release()
    {
        await InstallAsync("a", "b");
        await ReleaseAsync("activate", Root, "a");
        using var stop = new CancellationTokenSource();
        var misses = 0;
        var looks = 0;
        var reader = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                looks++;
                misses += File.Exists(Path.Combine(Root, "current", "version")) ? 0 : 1;
            }
        });

        for (var turn = 0; turn < 10; turn++)
        {
            Assert.Equal(0, (await ReleaseAsync("activate", Root, turn % 2 == 0 ? "b" : "a")).Code);
        }

        await stop.CancelAsync();
        await reader;
        Assert.True(looks > 100);
        Assert.Equal(0, misses);
    }

    [Fact]
    public async Task A_release_that_does_not_start_is_switched_back()
    {
        await InstallAsync("good", "bad");
        var check = new Dictionary<string, string> { ["COGO_ACTIVATE"] = "grep -q good version" };
        Assert.Equal(0, (await ReleaseAsync(check, "activate", Root, "good")).Code);

        var (code, _, error) = await ReleaseAsync(check, "activate", Root, "bad");

        Assert.Equal(2, code);
        Assert.Contains("bad did not start: good is current again", error, StringComparison.Ordinal);
        Assert.Equal("good", await File.ReadAllTextAsync(Path.Combine(Root, "current", "version")));
    }

    [Fact]
    public async Task Only_old_releases_of_its_own_are_removed()
    {
        await InstallAsync("r1", "r2", "r3", "r4");
        await ReleaseAsync("activate", Root, "r1");
        await ReleaseAsync("activate", Root, "r4");
        var outside = Directory.CreateDirectory(_folder.In("outside")).FullName;
        await File.WriteAllTextAsync(Path.Combine(outside, "kept"), "");
        Directory.CreateSymbolicLink(Path.Combine(Root, "releases", "link"), outside);
        await File.WriteAllTextAsync(Path.Combine(Root, "shared", ".env"), "");

        Assert.Equal(0, (await ReleaseAsync("prune", Root, "1")).Code);

        Assert.Equal(["link", "r1", "r4"], Directory.EnumerateFileSystemEntries(Path.Combine(Root, "releases")).Select(Path.GetFileName).Order());
        Assert.True(File.Exists(Path.Combine(outside, "kept")));
        Assert.True(File.Exists(Path.Combine(Root, "shared", ".env")));
    }

    [Fact]
    public async Task An_archive_that_leads_out_of_its_folder_is_refused()
    {
        await InstallAsync("r1");
        var content = Directory.CreateDirectory(_folder.In("content")).FullName;
        File.CreateSymbolicLink(Path.Combine(content, "etc"), "/etc");
        await Shell.RunAsync("tar", ["-czf", _folder.In("link.tar.gz"), "-C", content, "."]);
        await File.WriteAllTextAsync(_folder.In("evil"), "");
        await Shell.RunAsync("tar", ["-czPf", _folder.In("up.tar.gz"), "-C", content, "../evil"]);
        await File.WriteAllTextAsync(_folder.In("broken.tar.gz"), "no archive");

        Assert.Contains("links or devices", (await ReleaseAsync("install", Root, _folder.In("link.tar.gz"), "x")).Error, StringComparison.Ordinal);
        Assert.Contains("lead out of it", (await ReleaseAsync("install", Root, _folder.In("up.tar.gz"), "x")).Error, StringComparison.Ordinal);
        Assert.Contains("no whole tar.gz", (await ReleaseAsync("install", Root, _folder.In("broken.tar.gz"), "x")).Error, StringComparison.Ordinal);
        Assert.Equal(["r1"], Directory.EnumerateFileSystemEntries(Path.Combine(Root, "releases")).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData(3, "is no name of a release", "activate", "{root}", "../../etc")]
    [InlineData(2, "There is no release nothing", "activate", "{root}", "nothing")]
    [InlineData(2, "nothing to roll back to", "rollback", "{root}")]
    [InlineData(3, "is no number of releases", "prune", "{root}", "0")]
    [InlineData(2, "holds no releases: run", "prune", "/usr", "1")]
    [InlineData(3, "cannot hold releases", "init", "/")]
    [InlineData(2, "not empty and not ours", "init", "/usr")]
    [InlineData(3, "release.sh install ROOT ARCHIVE", "explode", "{root}")]
    public async Task What_cannot_be_done_is_said(int expected, string sentence, params string[] arguments)
    {
        await InstallAsync("r1");

        var (code, _, error) = await ReleaseAsync([.. arguments.Select(argument => argument.Replace("{root}", Root, StringComparison.Ordinal))]);

        Assert.Equal(expected, code);
        Assert.Contains(sentence, error, StringComparison.Ordinal);
    }

    private async Task InstallAsync(params string[] names)
    {
        Assert.Equal(0, (await ReleaseAsync("init", Root)).Code);
        foreach (var name in names)
        {
            var content = Directory.CreateDirectory(_folder.In("pack", name)).FullName;
            await File.WriteAllTextAsync(Path.Combine(content, "version"), name);
            var archive = _folder.In($"{name}.tar.gz");
            await Shell.RunAsync("tar", ["-czf", archive, "-C", content, "."]);
            var (code, _, error) = await ReleaseAsync("install", Root, archive, name);
            Assert.True(code == 0, error);
        }
    }

    private static Task<(int Code, string Output, string Error)> ReleaseAsync(params string[] arguments) => ReleaseAsync(new Dictionary<string, string>(), arguments);

    private static Task<(int Code, string Output, string Error)> ReleaseAsync(Dictionary<string, string> environment, params string[] arguments) =>
        Shell.TryAsync("bash", [Repository.PathOf("deploy/release.sh"), .. arguments], environment);
}
