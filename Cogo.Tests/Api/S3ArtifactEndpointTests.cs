using System.Net;
using System.Net.Http.Headers;
using Cogo.Core.Artifacts;
using Cogo.Core.Artifacts.S3;
using Cogo.Tests.Artifacts;
using Cogo.Tests.Cli;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Cogo.Tests.Api;

/// <summary>The API and the command line where artifacts are in S3, set up as a user does it: by settings.</summary>
public sealed class S3ArtifactEndpointTests(S3Server server)
{
    [Fact]
    public async Task Artifacts_are_served_linked_and_cleaned_up()
    {
        using var folder = new TemporaryFolder();
        await using var database = await PostgresServers.CreateDatabaseAsync();
        var options = await server.OptionsAsync();
        var settings = SettingsOf(options);
        await using var app = ApiHost.Build(database.ConnectionString, folder.In("artifacts"), settings);
        await app.StartAsync();
        var store = app.Services.GetRequiredService<IArtifactStore>();
        using (var content = new MemoryStream("0123456789"u8.ToArray()))
        {
            await store.SaveAsync("task/a.txt", content, new ArtifactContext("task", new string('c', 32), "text/plain"), CancellationToken.None);
        }

        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        Assert.Equal("0123456789", await http.GetStringAsync(new Uri("/artifacts/task/a.txt", UriKind.Relative)));
        using (var part = new HttpRequestMessage(HttpMethod.Get, new Uri("/artifacts/task/a.txt", UriKind.Relative)))
        {
            part.Headers.Range = new RangeHeaderValue(3, 5);
            using var answer = await http.SendAsync(part);
            Assert.Equal((HttpStatusCode.PartialContent, "345"), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        }

        var index = await Answer.OfAsync(await http.GetAsync(new Uri("/api/artifacts/index?task_id=task", UriKind.Relative)));
        var entry = Assert.Single(index.Json.GetProperty("artifacts").EnumerateArray());
        Assert.Equal("/artifacts/task/a.txt", entry.GetProperty("url").GetString());
        Assert.Equal("0123456789", await http.GetStringAsync(new Uri(entry.GetProperty("signed_url").GetString()!)));
        Assert.InRange(entry.GetProperty("signed_url_expires_at").GetDateTimeOffset(), DateTimeOffset.UtcNow.AddMinutes(50), DateTimeOffset.UtcNow.AddMinutes(61));

        await database.ExecuteAsync("update artifacts set created_at = now() - interval '20 days'");
        var cogo = new CommandLine(folder.Path) { Variables = { ["ConnectionStrings__cogo"] = database.ConnectionString } };
        foreach (var (name, value) in settings)
        {
            cogo.Variables[name] = value!;
        }

        var cleaned = await cogo.RunAsync(["cleanup", "artifacts"]);

        Assert.True(cleaned.Code == 0, cleaned.ToString());
        Assert.Contains("1 artifacts, 10 bytes, were removed, files and rows.", cleaned.Output, StringComparison.Ordinal);
        Assert.Empty(await server.KeysAsync(options.Prefix));
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri("/artifacts/task/a.txt", UriKind.Relative))).StatusCode);
        Assert.False(Directory.Exists(folder.In("artifacts")));
    }

    [Fact]
    public async Task Cleaning_up_a_bucket_that_is_not_there_removes_nothing()
    {
        using var folder = new TemporaryFolder();
        await using var database = await PostgresServers.CreateDatabaseAsync();
        await database.ExecuteAsync(
            "insert into artifacts (path, task_id, trace_id, bytes, sha256, content_type, storage, object_key, created_at) values ('t/a', 't', 'x', 1, 'x', 'text/plain', 's3', 't/a~1', now() - interval '20 days')");
        var cogo = new CommandLine(folder.Path) { Variables = { ["ConnectionStrings__cogo"] = database.ConnectionString } };

        var unset = await cogo.RunAsync(["cleanup", "artifacts"]);
        foreach (var (name, value) in SettingsOf(await server.OptionsAsync(options => options with { Bucket = "elsewhere" })))
        {
            cogo.Variables[name] = value!;
        }

        var wrong = await cogo.RunAsync(["cleanup", "artifacts"]);

        Assert.Equal((2, 2), (unset.Code, wrong.Code));
        Assert.Contains("t/a is kept in S3, and this program is not told where that is: set ARTIFACTS_S3_BUCKET", unset.Error, StringComparison.Ordinal);
        Assert.Contains("There is no bucket elsewhere", wrong.Error, StringComparison.Ordinal);
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from artifacts"));
    }

    private static Dictionary<string, string?> SettingsOf(S3Options options) => new()
    {
        ["ARTIFACTS_S3_BUCKET"] = options.Bucket,
        ["ARTIFACTS_S3_ENDPOINT"] = options.Endpoint!.AbsoluteUri,
        ["ARTIFACTS_S3_PREFIX"] = options.Prefix,
        ["ARTIFACTS_S3_ACCESS_KEY_ID"] = options.AccessKeyId,
        ["ARTIFACTS_S3_SECRET_ACCESS_KEY"] = options.SecretAccessKey,
    };
}
