using Cogo.Core.Pipeline;
using Cogo.Core.Workspaces;
using Cogo.Tests.Codegen;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Cogo.Tests.Workspaces;

public sealed class RemoteRepositoryTests : IDisposable
{
    private readonly WorkspaceFixture _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task A_repository_is_fetched_over_http_with_the_credentials_of_its_url_which_appear_nowhere()
    {
        // git's plain http protocol: a bare repository served as files.
        GitRepository.Run(_workspace[""], "clone", "--quiet", "--bare", _workspace.Repository.Folder, _workspace["served.git"]);
        GitRepository.Run(_workspace["served.git"], "update-server-info");
        var authorized = "Basic " + Convert.ToBase64String("me:s3cr3t/x"u8);
        await using var server = await LocalServer.StartAsync(app => app.MapGet("/{**path}", async (HttpContext http, string path) =>
        {
            var file = Path.Combine(_workspace[""], path);
            if (http.Request.Headers.Authorization != authorized)
            {
                http.Response.StatusCode = 401;
                http.Response.Headers.WWWAuthenticate = "Basic realm=\"git\"";
            }
            else if (File.Exists(file))
            {
                await http.Response.SendFileAsync(file);
            }
            else
            {
                http.Response.StatusCode = 404;
            }
        }));
        var host = server.Address.Authority;

        await using (var copy = await _workspace.Cache.CheckOutAsync($"http://me:s3cr3t%2Fx@{host}/served.git", "main", default))
        {
            Assert.Equal(_workspace.Repository.Head, copy.BaseCommit);
            Assert.Equal($"http://{host}/served.git", copy.Repository);
        }

        foreach (var file in Directory.EnumerateFiles(_workspace["work"], "*", SearchOption.AllDirectories))
            Assert.DoesNotContain("s3cr3t", await File.ReadAllTextAsync(file), StringComparison.Ordinal);

        var wrong = await WorkspaceFixture.RefusedAsync(WorkspaceCodes.CloneFailed, () => _workspace.Cache.CheckOutAsync($"http://me:wr0ng@{host}/served.git", null, default));
        Assert.Equal(Verdict.Invalid, wrong.Verdict);
        Assert.DoesNotContain("wr0ng", wrong.ToString(), StringComparison.Ordinal);

        var missing = await WorkspaceFixture.RefusedAsync(WorkspaceCodes.RepoNotFound, () => _workspace.Cache.CheckOutAsync($"http://me:s3cr3t%2Fx@{host}/none.git", null, default));
        Assert.DoesNotContain("s3cr3t", missing.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_down_is_the_machines_fault_not_the_requests()
    {
        string host;
        await using (var server = await LocalServer.StartAsync(_ => { }))
            host = server.Address.Authority;

        var failed = await WorkspaceFixture.RefusedAsync(WorkspaceCodes.CloneFailed, () => _workspace.Cache.CheckOutAsync($"http://{host}/x.git", null, default));

        Assert.Equal(Verdict.Infrastructure, failed.Verdict);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ext::sh -c touch% /tmp/x")]
    [InlineData("ftp://example.org/x.git")]
    [InlineData("git://example.org/x.git")]
    [InlineData("https://")]
    public async Task Other_ways_to_a_repository_are_refused(string repo) =>
        await WorkspaceFixture.RefusedAsync(WorkspaceCodes.RepoNotFound, () => _workspace.Cache.CheckOutAsync(repo, null, default));

    [Fact]
    public void A_password_is_not_part_of_what_a_location_shows()
    {
        var location = RepositoryLocation.Parse("https://user:p%40ss@example.org/a/b.git");

        Assert.Equal("https://example.org/a/b.git", location.Display);
        Assert.DoesNotContain("p@ss", RepositoryLocation.Parse("ssh://git:p%40ss@example.org/x").Display, StringComparison.Ordinal);
        Assert.Equal("fatal: https://***@example.org/x", RepositoryLocation.WithoutCredentials("fatal: https://user:p%40ss@example.org/x"));
        Assert.Equal("git@example.org:a/b.git", RepositoryLocation.Parse("git@example.org:a/b.git").Display);
    }
}
