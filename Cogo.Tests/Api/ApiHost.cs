using System.Text;
using System.Text.Json;
using Cogo.Api;
using Cogo.Core.Artifacts;
using Cogo.Core.Bus;
using Cogo.ServiceDefaults;
using Cogo.Tests.Fixtures;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Cogo.Tests.Api;

/// <summary>The API on a free port of this machine and on a real Postgres; no worker reads what it puts on the bus.</summary>
public sealed class ApiHost : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private WebApplication? _app;

    public TestDatabase Database { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    public string ArtifactsFolder => _folder.In("artifacts");

    public IArtifactStore Artifacts => _app!.Services.GetRequiredService<IArtifactStore>();

    public MessageBus Bus => _app!.Services.GetRequiredService<MessageBus>();

    public async ValueTask InitializeAsync()
    {
        Database = await PostgresServers.CreateDatabaseAsync();
        _app = Build(Database.ConnectionString, ArtifactsFolder);
        await _app.StartAsync();
        Http = new HttpClient { BaseAddress = new Uri(_app.Urls.First()) };
    }

    /// <summary>An API on whatever connection string, to be started by the test.</summary>
    public static WebApplication Build(string connectionString, string artifactsFolder, IEnumerable<KeyValuePair<string, string?>>? settings = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:cogo"] = connectionString,
            [ArtifactOptions.BaseSetting] = artifactsFolder,
        });
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddCogoServiceDefaults();
        builder.AddCogoDataSource();
        builder.Services.AddCogoBus();
        builder.AddCogoApi();
        var app = builder.Build();
        app.MapCogoApi();
        return app;
    }

    public async Task<Answer> GetAsync(string path) => await Answer.OfAsync(await Http.GetAsync(new Uri(path, UriKind.Relative)));

    public Task<Answer> SubmitAsync(object request, string? key = null) => SubmitTextAsync(JsonSerializer.Serialize(request), key);

    public async Task<Answer> SubmitTextAsync(string body, string? key = null, string type = "application/json")
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, new Uri("/api/pipeline/codeBuildTest", UriKind.Relative));
        message.Content = new StringContent(body, Encoding.UTF8, type);
        // A refusal may come before the body is sent.
        message.Headers.ExpectContinue = body.Length > 1024 * 1024;
        if (key is not null)
        {
            message.Headers.Add("Idempotency-Key", key);
        }

        return await Answer.OfAsync(await Http.SendAsync(message));
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        await Database.DisposeAsync();
        _folder.Dispose();
    }
}

/// <summary>An answer of the API, read whole.</summary>
public sealed record Answer(int Status, string Text, HttpResponseMessage Response)
{
    public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Text);

    public string? Field(string name) => Json.TryGetProperty(name, out var value) ? value.ToString() : null;

    public static async Task<Answer> OfAsync(HttpResponseMessage response) =>
        new((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response);

    /// <summary>A problem with a code, a sentence and a trace.</summary>
    public void IsProblem(int status, string code, string words)
    {
        Assert.Equal((status, code), (Status, Field("code")));
        Assert.Equal("application/problem+json", Response.Content.Headers.ContentType?.MediaType);
        Assert.Contains(words, Field("detail"), StringComparison.Ordinal);
        Assert.Matches("^[0-9a-f]{32}$", Field("trace_id"));
    }
}
