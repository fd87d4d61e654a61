using System.Collections.Concurrent;
using System.Text;
using Cogo.Api;
using Cogo.Api.Admin;
using Cogo.Core.Artifacts;
using Cogo.Core.Bus;
using Cogo.ServiceDefaults;
using Cogo.Tests.Api;
using Cogo.Tests.Codegen;
using Cogo.Tests.Fixtures;
using Cogo.Workers.Hosting;
using Cogo.Workers.Jobs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Cogo.Tests.Admin;

/// <summary>The API with an admin token, a worker that delivers notifications, and a receiver that takes them.</summary>
public sealed class AdminHost : IAsyncLifetime
{
    public const string Token = "d41d8cd98f00b204-admin-sesame";
    public const string WrongToken = "d41d8cd98f00b204-wrong-sesame";
    public const string HookSecret = "hook-sesame-2281";
    public const string SigningSecret = "hmac-sesame-7714";

    private readonly TemporaryFolder _folder = new();
    private readonly LogCapture _log = new();
    private LocalServer _receiver = null!;
    private WebApplication _app = null!;

    /// <summary>Null: as the settings say.</summary>
    public AdminOptions? Options { get; init; }

    public string? AdminToken { get; init; } = Token;

    public TestDatabase Database { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    /// <summary>Bodies that reached the receiver.</summary>
    public ConcurrentQueue<string> Received { get; } = new();

    /// <summary>What the receiver answers next.</summary>
    public ConcurrentQueue<int> Refusals { get; } = new();

    public string Logged => _log.Text;

    public string ArtifactsFolder => _folder.In("artifacts");

    public async ValueTask InitializeAsync()
    {
        Database = await PostgresServers.CreateDatabaseAsync();
        _receiver = await LocalServer.StartAsync(app => app.MapPost($"/{HookSecret}", async (HttpContext context) =>
        {
            using var reader = new StreamReader(context.Request.Body);
            Received.Enqueue(await reader.ReadToEndAsync());
            context.Response.StatusCode = Refusals.TryDequeue(out var refusal) ? refusal : 204;
        }));
        _app = Build();
        await _app.StartAsync();
        Http = new HttpClient { BaseAddress = new Uri(_app.Urls.First()) };
    }

    public async Task<Answer> SendAsync(HttpMethod method, string path, string? body = null, string? key = null, string? token = Token, string type = "application/json")
    {
        using var message = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        message.Content = body is null ? null : new StringContent(body, Encoding.UTF8, type);
        if (token is not null)
        {
            message.Headers.Add(AdminGate.Header, token);
        }

        if (key is not null)
        {
            message.Headers.Add("Idempotency-Key", key);
        }

        return await Answer.OfAsync(await Http.SendAsync(message));
    }

    public Task<Answer> PostAsync(string path, string? body = null, string? key = null) => SendAsync(HttpMethod.Post, path, body, key);

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }

        await _receiver.DisposeAsync();
        await Database.DisposeAsync();
        _folder.Dispose();
        _log.Dispose();
    }

    private WebApplication Build()
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:cogo"] = Database.ConnectionString,
            [ArtifactOptions.BaseSetting] = ArtifactsFolder,
            [AdminOptions.TokenSetting] = AdminToken,
            ["WEBHOOK_TYPE"] = "http",
            ["WEBHOOK_URL"] = $"{_receiver.Address}{HookSecret}",
            ["WEBHOOK_SECRET"] = SigningSecret,
        });
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Trace).AddProvider(_log);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        if (Options is not null)
        {
            builder.Services.AddSingleton(Options);
        }

        builder.AddCogoServiceDefaults();
        builder.AddCogoDataSource();
        builder.Services.AddCogoBus();
        builder.AddCogoApi();
        builder.Services.AddCogoJobTypes(builder.Configuration);
        builder.Services.AddCogoJobWorkers(builder.Configuration);
        var app = builder.Build();
        app.MapCogoApi();
        return app;
    }
}

/// <summary>Keeps all that is logged, with every exception and scope.</summary>
internal sealed class LogCapture : ILoggerProvider, ISupportExternalScope
{
    private readonly ConcurrentQueue<string> _lines = new();
    private IExternalScopeProvider? _scopes;

    public string Text => string.Join('\n', _lines);

    public ILogger CreateLogger(string categoryName) => new Capturing(this, categoryName);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose() => _lines.Clear();

    private sealed class Capturing(LogCapture owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => owner._scopes?.Push(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            owner._lines.Enqueue($"{logLevel} {category}: {formatter(state, exception)} {exception}");
            owner._scopes?.ForEachScope((scope, lines) => lines.Enqueue($"  {scope}"), owner._lines);
        }
    }
}
