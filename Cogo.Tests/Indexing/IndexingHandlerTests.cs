using System.Text.Json;
using Cogo.Cli;
using Cogo.Core.Database.Embedded;
using Cogo.Tests.EndToEnd;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Indexing;

/// <summary>A request's way through a running system to the index, and back out over HTTP and the command line.</summary>
public sealed class IndexingHandlerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_repository_is_indexed_over_the_bus_and_found_over_HTTP()
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        await using var system = await CogoSystem.StartAsync(
            new CogoSystemOptions
            {
                ConnectionString = database.ConnectionString,
                Postgres = new EmbeddedPostgresOptions(),
                Folder = _folder.In(".cogo"),
                ArtifactsFolder = _folder.In(".cogo", "artifacts"),
                WorkFolder = _folder.In(".cogo", "work"),
            },
            CancellationToken.None);
        using var client = new PipelineClient(system.Address);
        using var http = new HttpClient { BaseAddress = system.Address };
        var repository = SampleRepository.Create("csharp", _folder.Path);

        var trace = await client.VerdictAsync(await SubmitAsync(http, new { repo = repository.Folder, task_id = "one" }));
        Assert.Equal("passed", trace.GetProperty("verdict").GetString());
        Assert.Equal(["execute_enqueued", "execute_done", "indexing_done"], PipelineClient.Steps(trace));
        var done = PipelineClient.Events(trace).Last().GetProperty("data");
        Assert.Equal((false, repository.Head), (done.GetProperty("unchanged").GetBoolean(), done.GetProperty("base_commit").GetString()));
        var artifact = await client.ArtifactAsync("one/indexing/index.json");
        Assert.Equal(done.GetProperty("symbols").GetInt64(), artifact.GetProperty("symbols").GetInt64());

        var found = await GetAsync(http, $"/api/index/search?q=discount&type=symbol&limit=1&repo={Uri.EscapeDataString(repository.Folder)}");
        var hits = found.GetProperty("hits").EnumerateArray().ToList();
        Assert.Single(hits);
        Assert.Equal("Discount", hits[0].GetProperty("name").GetString());
        var next = await GetAsync(http, $"/api/index/search?q=discount&type=symbol&limit=1&cursor={found.GetProperty("next_cursor").GetString()}");
        Assert.DoesNotContain(next.GetProperty("hits").EnumerateArray().Select(hit => hit.GetRawText()), hits.ConvertAll(hit => hit.GetRawText()).Contains);
        var name = hits[0].GetProperty("name").GetString();
        Assert.Equal(name, (await GetAsync(http, $"/api/index/symbols/{name}")).GetProperty("symbols")[0].GetProperty("name").GetString());
        Assert.NotEmpty((await GetAsync(http, $"/api/index/symbols/{name}/references")).GetProperty("references").EnumerateArray());
        Assert.Equal(repository.Folder, (await GetAsync(http, "/api/index/repositories")).GetProperty("repositories")[0].GetProperty("repo").GetString());

        var again = PipelineClient.Events(await client.VerdictAsync(await SubmitAsync(http, new { repo = repository.Folder }))).Last().GetProperty("data");
        Assert.True(again.GetProperty("unchanged").GetBoolean());

        var refused = await client.VerdictAsync(await SubmitAsync(http, new { repo = _folder.In("nowhere") }));
        Assert.Equal("invalid", refused.GetProperty("verdict").GetString());
        Assert.Equal("repo_not_found", PipelineClient.Events(refused).Last().GetProperty("data").GetProperty("code").GetString());
    }

    private static async Task<string> SubmitAsync(HttpClient http, object request)
    {
        using var content = new StringContent(JsonSerializer.Serialize(request), System.Text.Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri("/api/pipeline/indexing", UriKind.Relative), content);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == 202, text);
        return JsonSerializer.Deserialize<JsonElement>(text).GetProperty("trace_id").GetString()!;
    }

    private static async Task<JsonElement> GetAsync(HttpClient http, string path) =>
        JsonSerializer.Deserialize<JsonElement>(await http.GetStringAsync(new Uri(path, UriKind.Relative)));
}
