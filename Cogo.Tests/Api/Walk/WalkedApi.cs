using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Cogo.Api.Admin;
using Cogo.Api.Limits;
using Cogo.Core.Artifacts;
using Cogo.Core.Indexing;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Workspaces;
using Cogo.Workers.Indexing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Cogo.Tests.Api.Walk;

/// <summary>
/// The API on a real Postgres that has something to tell, the document that it serves, and what is needed to call every
/// operation of it: values for paths are taken out of the links that the API's own answers hold.
/// </summary>
[CollectionDefinition(nameof(WalkedApi))]
public sealed partial class WalkedApi : IAsyncLifetime, ICollectionFixture<WalkedApi>
{
    private const string AdminToken = "token-of-the-walk-0123456789abcdef";

    private readonly TemporaryFolder _folder = new();
    private readonly ConcurrentDictionary<string, string> _links = new(StringComparer.Ordinal);
    private HttpClient? _http;

    public WebApplication App { get; private set; } = null!;

    public TestDatabase Database { get; private set; } = null!;

    internal ServedDocument Document { get; private set; } = null!;

    /// <summary>What each operation answered to the example of the document, by its id.</summary>
    internal IReadOnlyDictionary<string, Returned> First { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Database = await PostgresServers.CreateDatabaseAsync();
        App = ApiHost.Build(
            Database.ConnectionString,
            _folder.In("artifacts"),
            // The walk is one client, and asks more than a client may.
            new Dictionary<string, string?>
            {
                [ApiLimits.RequestsPerSecondSetting] = "0",
                [ApiLimits.ConcurrencySetting] = "0",
                [AdminOptions.TokenSetting] = AdminToken,
            });
        await App.StartAsync();
        _http = new HttpClient(new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8, AllowAutoRedirect = false, UseProxy = false })
        {
            BaseAddress = new Uri(App.Urls.First()),
            Timeout = TimeSpan.FromSeconds(30),
        };
        await FillAsync();
        Document = new ServedDocument(JsonSerializer.Deserialize<JsonElement>(await _http.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative))));
        // Three of what requests make.
        for (var rows = 0; rows < 3; rows++)
        {
            await BeginAnewAsync();
        }

        First = await FirstAsync();
    }

    /// <summary>The call that the document itself shows.</summary>
    internal Call Good(Operation operation, bool keyed = false)
    {
        var values = ImmutableDictionary<string, string>.Empty;
        foreach (var parameter in operation.Parameters)
        {
            if (parameter.Name.Equals("x-admin-token", StringComparison.OrdinalIgnoreCase))
            {
                values = values.Add(parameter.Name, AdminToken);
            }
            else if (Known(operation, parameter) is { } value)
            {
                values = values.Add(parameter.Name, value);
            }
            else if (keyed && parameter.Name == "Idempotency-Key")
            {
                values = values.Add(parameter.Name, $"walk-{operation.Id}-{Guid.NewGuid():N}");
            }
        }

        return new Call(operation, values, operation.BodyExample is { } body ? Encoding.UTF8.GetBytes(body) : null);
    }

    /// <summary>The same with every parameter that the document shows an example of, or words for.</summary>
    internal static Call Full(Call good) => good.Operation.Parameters
        .Where(parameter => parameter.In == "query" && !good.Values.ContainsKey(parameter.Name))
        .Select(parameter => (parameter.Name, Value: parameter.Example ?? (parameter.Words.Count > 0 ? parameter.Words[0] : null)))
        .Where(parameter => parameter.Value is not null)
        .Aggregate(good with { What = "all parameters" }, (call, parameter) => call.With(parameter.Name, parameter.Value!));

    /// <summary>The call, let in where it needs to be.</summary>
    internal HttpRequestMessage Request(Call call)
    {
        var request = call.Request(_http!.BaseAddress!);
        if (call.Operation.Json.TryGetProperty("security", out var security) && security.GetArrayLength() > 0)
        {
            request.Headers.TryAddWithoutValidation("x-admin-token", AdminToken);
        }

        return request;
    }

    internal async Task<Returned> SendAsync(Call call, CancellationToken cancellationToken = default)
    {
        using var request = Request(call);
        using var response = await _http!.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        var type = response.Content.Headers.ContentType?.MediaType;
        var returned = new Returned(
            response.StatusCode, type, type == "text/event-stream" ? "" : await response.Content.ReadAsStringAsync(cancellationToken),
            response.Headers.ConnectionClose == true, response.Headers.RetryAfter?.Delta);
        Remember(returned);
        return returned;
    }

    /// <summary>The answer as it comes, to be read while it comes.</summary>
    internal async Task<HttpResponseMessage> OpenAsync(Call call, CancellationToken cancellationToken)
    {
        using var request = call.Request(_http!.BaseAddress!);
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    /// <summary>Does what can be done without knowing anything, and forgets the links of before: what they lead to has just begun.</summary>
    internal async Task BeginAnewAsync()
    {
        _links.Clear();
        foreach (var operation in Document.Operations.Where(operation => operation.TakesKey && !operation.Path.Contains('{', StringComparison.Ordinal)))
        {
            await SendAsync(Good(operation));
        }
    }

    /// <summary>Rows of all tables of Cogo.</summary>
    public async Task<long> CountRowsAsync() => await Database.ScalarAsync<long>("""
        select sum((xpath('/row/c/text()', query_to_xml(format('select count(*) as c from %I.%I', schemaname, tablename), false, true, '')))[1]::text::bigint)::bigint
        from pg_tables where schemaname = 'public' and tablename not like 'bus_sessions%'
        """);

    public async ValueTask DisposeAsync()
    {
        _http?.Dispose();
        await App.DisposeAsync();
        await Database.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>
    /// Calls every operation as the document shows it. What needs something that another one makes or leads to comes again
    /// once that is there.
    /// </summary>
    private async Task<Dictionary<string, Returned>> FirstAsync()
    {
        var answers = new Dictionary<string, Returned>(StringComparer.Ordinal);
        for (var round = 0; round < 3; round++)
        {
            foreach (var operation in Document.Operations.Where(operation => answers.GetValueOrDefault(operation.Id) is not { Status: < 300 }))
            {
                answers[operation.Id] = await SendAsync(Good(operation));
            }
        }

        return answers;
    }

    /// <summary>Out of a link where there was one, else the document's example.</summary>
    private string? Known(Operation operation, Parameter parameter)
    {
        var end = operation.Path.IndexOf($"{{{parameter.Name}}}", StringComparison.Ordinal);
        var linked = parameter.In == "path" ? _links.GetValueOrDefault(operation.Path[..end])
            : parameter.Required ? _links.GetValueOrDefault($"{operation.Path}?{parameter.Name}=") : null;
        return linked ?? (parameter.Required ? parameter.Example : null);
    }

    /// <summary>Whatever in an answer is a path of an operation is a link to it. The first one stands.</summary>
    private void Remember(Returned returned)
    {
        if (Document is null || returned.Status >= 300 || returned.MediaType != "application/json" || returned.Text.Length == 0)
        {
            return;
        }

        foreach (var link in Texts(JsonSerializer.Deserialize<JsonElement>(returned.Text)).Where(text => text.StartsWith('/')))
        {
            foreach (var operation in Document.Operations)
            {
                var pattern = ParameterPattern().Replace(Regex.Escape(operation.Path), hole => hole.Groups["name"].Value == "path" ? "(?<path>[^?]+)" : $"(?<{hole.Groups["name"].Value}>[^/?]+)");
                if (Regex.Match(link, $@"^{pattern}(\?(?<query>[^=]+)=(?<value>.+))?$", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)) is { Success: true } match)
                {
                    foreach (var parameter in operation.Parameters.Where(parameter => parameter.In == "path"))
                    {
                        _links.TryAdd(operation.Path[..operation.Path.IndexOf($"{{{parameter.Name}}}", StringComparison.Ordinal)], Uri.UnescapeDataString(match.Groups[parameter.Name].Value));
                    }

                    if (match.Groups["query"].Success)
                    {
                        _links.TryAdd($"{operation.Path}?{match.Groups["query"].Value}=", Uri.UnescapeDataString(match.Groups["value"].Value));
                    }
                }
            }
        }
    }

    private static IEnumerable<string> Texts(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => [element.GetString()!],
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Texts),
        JsonValueKind.Object => element.EnumerateObject().SelectMany(member => Texts(member.Value)),
        _ => [],
    };

    /// <summary>Three of everything that is listed and that no request makes.</summary>
    private async Task FillAsync()
    {
        var store = App.Services.GetRequiredService<IArtifactStore>();
        var repository = new GitRepository(_folder.In("shop"));
        foreach (var part in new[] { "a", "b", "c" })
        {
            using var content = new MemoryStream(Encoding.UTF8.GetBytes("{}"));
            await store.SaveAsync($"fix-add/build-test/{part}.json", content, new ArtifactContext("fix-add", "4bf92f3577b34da6a3ce929d0e0e4736", "application/json"), default);
            await Database.ExecuteAsync(
                "insert into bus_events (trace_id, type, data) values ('4bf92f3577b34da6a3ce929d0e0e4736', 'gate_fix', jsonb_build_object('task_id', 'fix-add', 'part', $1::text))", part);
            repository.Write($"{part}/Dates.cs", $"namespace Shop.{part};\nstatic class Dates {{ public static int ParseHttpDate(string text) => Other.ParseHttpDate(text); }}\n");
        }

        repository.Commit("three parts");
        using var workspaces = new WorkspaceFixture();
        var indexer = new RepositoryIndexer(workspaces.Cache, KgScope.Default, Database.DataSource, [new CSharpAnalyzer(TimeProvider.System)], TimeProvider.System);
        foreach (var part in new[] { "a", "b", "c" })
        {
            await indexer.IndexAsync(Path.Combine(repository.Folder, part), null, null, default);
        }
    }

    [GeneratedRegex(@"\\\{(?<name>\w+)}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ParameterPattern();
}
