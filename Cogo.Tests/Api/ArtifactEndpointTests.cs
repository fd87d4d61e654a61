using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Cogo.Core.Artifacts;
using Xunit;

namespace Cogo.Tests.Api;

public class ArtifactEndpointTests(ApiHost api) : IClassFixture<ApiHost>
{
    [Fact]
    public async Task An_artifact_is_served_as_it_was_stored_and_in_a_sandbox()
    {
        var stored = await SaveAsync("serve/build-test/page.html", "<script>alert(1)</script>", "text/html");

        var answer = await api.GetAsync($"/artifacts/{stored.Path}");

        Assert.Equal((200, "<script>alert(1)</script>"), (answer.Status, answer.Text));
        Assert.Equal($"\"{stored.Sha256}\"", answer.Response.Headers.ETag?.Tag);
        Assert.StartsWith("sandbox;", answer.Response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Equal("nosniff", answer.Response.Headers.GetValues("X-Content-Type-Options").Single());
    }

    [Fact]
    public async Task A_range_and_a_known_tag_are_honoured()
    {
        var stored = await SaveAsync("range/build-test/test.log", "0123456789", "text/plain");
        using var part = new HttpRequestMessage(HttpMethod.Get, new Uri($"/artifacts/{stored.Path}", UriKind.Relative));
        part.Headers.Range = new RangeHeaderValue(2, 4);
        using var again = new HttpRequestMessage(HttpMethod.Get, new Uri($"/artifacts/{stored.Path}", UriKind.Relative));
        again.Headers.IfNoneMatch.Add(new EntityTagHeaderValue($"\"{stored.Sha256}\""));

        var range = await Answer.OfAsync(await api.Http.SendAsync(part));
        var unchanged = await Answer.OfAsync(await api.Http.SendAsync(again));

        Assert.Equal((206, "234"), (range.Status, range.Text));
        Assert.Equal("bytes 2-4/10", range.Response.Content.Headers.ContentRange?.ToString());
        Assert.Equal((304, ""), (unchanged.Status, unchanged.Text));
    }

    [Theory]
    [InlineData("/artifacts/no/such/file")]
    [InlineData("/artifacts/")]
    [InlineData("/artifacts/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd")]
    [InlineData("/artifacts/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd")]
    [InlineData("/artifacts/a/..%5c..%5cetc%5cpasswd")]
    [InlineData("/artifacts//etc/passwd")]
    [InlineData("/artifacts/a%00b")]
    [InlineData("/artifacts/~incoming/x")]
    public async Task A_path_that_leads_nowhere_or_outside_is_not_found(string path)
    {
        // HttpClient would tidy the path up: it is written to the socket as it is.
        var (status, text) = await RawAsync(path);

        Assert.Contains(status, new[] { 400, 404 });
        Assert.DoesNotContain("root:", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_symbolic_link_that_a_build_laid_is_not_followed()
    {
        var stored = await SaveAsync("link/build-test/out.txt", "mine", "text/plain");
        var file = Path.Combine(api.ArtifactsFolder, "link", "build-test", "out.txt");
        File.Delete(file);
        File.CreateSymbolicLink(file, "/etc/passwd");

        (await api.GetAsync($"/artifacts/{stored.Path}")).IsProblem(404, "artifact_not_found", "/api/artifacts/index");
    }

    [Fact]
    public async Task The_index_lists_a_task_newest_first_page_by_page()
    {
        for (var i = 1; i <= 5; i++)
        {
            await SaveAsync($"listed/build-test/{i}.txt", $"file {i}", "text/plain");
        }

        var paths = new List<string>();
        string? cursor = null;
        do
        {
            var page = await api.GetAsync($"/api/artifacts/index?task_id=listed&limit=2{(cursor is null ? "" : $"&cursor={cursor}")}");
            Assert.Equal(200, page.Status);
            paths.AddRange(page.Json.GetProperty("artifacts").EnumerateArray().Select(artifact => artifact.GetProperty("path").GetString()!));
            cursor = page.Field("next_cursor");
        }
        while (cursor is not null);

        Assert.Equal(Enumerable.Range(1, 5).Reverse().Select(i => $"listed/build-test/{i}.txt"), paths);
    }

    [Theory]
    [InlineData("limit=0", "1 to 1000")]
    [InlineData("limit=many", "1 to 1000")]
    [InlineData("cursor=nonsense", "next_cursor")]
    [InlineData("task_id=%00", "A-Z")]
    public async Task A_wrong_question_to_the_index_is_refused(string query, string words) =>
        (await api.GetAsync($"/api/artifacts/index?{query}")).IsProblem(400, "invalid_request", words);

    private async Task<Artifact> SaveAsync(string path, string content, string type)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(content));
        return await api.Artifacts.SaveAsync(path, stream, new ArtifactContext(path.Split('/')[0], new string('b', 32), type), CancellationToken.None);
    }

    private async Task<(int Status, string Text)> RawAsync(string path)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, api.Http.BaseAddress!.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(stream);
        var text = await reader.ReadToEndAsync();
        return (int.Parse(text.Split(' ')[1]), text);
    }
}
