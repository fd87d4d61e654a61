using System.Text.Json;
using Cogo.Api;
using Cogo.Core.Bus;
using Cogo.ServiceDefaults;
using Cogo.Tests.Fixtures;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Cogo.Tests.Workflows;

/// <summary>Plans by the templates, and by a model behind an endpoint that speaks the real protocol.</summary>
public sealed class PlanTests
{
    private static readonly object Intent = new { repo = "/srv/repo", task = "Make add() add.", acceptance = new[] { "add(1, 2) is 3" }, @base = "main", engine = "openai" };

    [Fact]
    public async Task Without_a_model_the_templates_plan_and_every_step_has_its_reason()
    {
        await using var host = await PlannerHost.StartAsync(null);

        var plan = await host.PlanAsync(Intent);

        Assert.Equal("template", plan.GetProperty("planner").GetString());
        Assert.False(plan.TryGetProperty("fallback", out _));
        Assert.Equal(["codegen", "build-test"], Steps(plan));
        Assert.All(plan.GetProperty("steps").EnumerateArray(), step => Assert.NotEmpty(step.GetProperty("reason").GetString()!));
        var execute = plan.GetProperty("execute");
        Assert.Equal("Make add() add.\n\nIt is done when:\n- add(1, 2) is 3", execute.GetProperty("body").GetProperty("task").GetString());
        var started = await host.Client.PostTextAsync(execute.GetProperty("path").GetString()!, execute.GetProperty("body").GetRawText());
        Assert.Equal(202, started.Status);
    }

    [Theory]
    [InlineData("command", "sed -i s/-/+/ a.js", null, 2)]
    [InlineData("patch", null, "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n+y\n", 0)]
    public async Task What_makes_the_change_is_what_was_given(string engine, string? command, string? patch, int repairs)
    {
        await using var endpoint = await OpenAiServer.StartAsync(OpenAiReply.Text(Plan()));
        await using var host = await PlannerHost.StartAsync(endpoint);

        var plan = await host.PlanAsync(new { repo = "/srv/repo", task = "Make add() add.", command, patch, planner = "template" });

        var body = plan.GetProperty("execute").GetProperty("body");
        Assert.Equal((engine, repairs), (body.GetProperty("engine").GetString(), body.GetProperty("max_repairs").GetInt32()));
        Assert.Equal(202, (await host.Client.PostTextAsync("/api/workflows/execute", body.GetRawText())).Status);
        Assert.Empty(endpoint.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_models_plan_that_holds_is_the_plan(bool fenced)
    {
        await using var endpoint = await OpenAiServer.StartAsync(OpenAiReply.Text(fenced ? $"Here it is:\n```json\n{Plan()}\n```" : Plan()));
        await using var host = await PlannerHost.StartAsync(endpoint);

        var plan = await host.PlanAsync(Intent);

        Assert.Equal(("model", OpenAiServer.Model), (plan.GetProperty("planner").GetString(), plan.GetProperty("model").GetString()));
        Assert.Equal("The tests show it.", plan.GetProperty("steps")[1].GetProperty("reason").GetString());
        var body = plan.GetProperty("execute").GetProperty("body");
        Assert.Equal(("Change add() in a.js.", 4), (body.GetProperty("task").GetString(), body.GetProperty("max_repairs").GetInt32()));
        Assert.Contains("add(1, 2) is 3", endpoint.Requests[0].GetProperty("messages").ToString(), StringComparison.Ordinal);
        Assert.Equal(202, (await host.Client.PostTextAsync("/api/workflows/execute", body.GetRawText())).Status);
    }

    public static TheoryData<string, string> BadPlans => new()
    {
        { "I would rather not.", "without a JSON object" },
        { "{ not json }", "no JSON" },
        { Plan().Replace("\"reason\":\"It fits.\",", "", StringComparison.Ordinal), "breaks the schema" },
        { Plan().Replace("codeBuildTest", "rm -rf", StringComparison.Ordinal), "breaks the schema" },
        { Plan().Replace("\"max_repairs\":4", "\"max_repairs\":400", StringComparison.Ordinal), "breaks the schema" },
        { Plan().Replace("\"max_repairs\":4", "\"max_repairs\":4,\"shell\":\"x\"", StringComparison.Ordinal), "breaks the schema" },
        { Plan().Replace("\"name\":\"build-test\"", "\"name\":\"codegen\"", StringComparison.Ordinal), "has the steps codegen, codegen" },
        { Plan("indexAndCodeBuildTest", "indexing", "codegen", "build-test"), "which no worker here can run" },
    };

    [Theory]
    [MemberData(nameof(BadPlans))]
    public async Task A_models_plan_that_does_not_hold_is_not_used_and_the_answer_says_why(string answer, string why)
    {
        await using var endpoint = await OpenAiServer.StartAsync(OpenAiReply.Text(answer));
        await using var host = await PlannerHost.StartAsync(endpoint);

        var plan = await host.PlanAsync(Intent);

        Assert.Equal("template", plan.GetProperty("planner").GetString());
        Assert.Contains(why, plan.GetProperty("fallback").GetString(), StringComparison.Ordinal);
        Assert.Equal(["codegen", "build-test"], Steps(plan));
    }

    [Fact]
    public async Task An_endpoint_that_fails_is_said_without_its_key()
    {
        await using var endpoint = await OpenAiServer.StartAsync(OpenAiReply.Fault(400, $"Not with {OpenAiServer.Key}."), OpenAiReply.Html(), OpenAiReply.Disconnect());
        await using var host = await PlannerHost.StartAsync(endpoint);

        foreach (var _ in Enumerable.Range(0, 3))
        {
            var plan = await host.PlanAsync(Intent);
            Assert.Equal("template", plan.GetProperty("planner").GetString());
            Assert.NotEmpty(plan.GetProperty("fallback").GetString()!);
            Assert.DoesNotContain(OpenAiServer.Key, plan.GetRawText(), StringComparison.Ordinal);
        }
    }

    private static string Plan(string template = "codeBuildTest", params string[] steps) => JsonSerializer.Serialize(new
    {
        template,
        reason = "It fits.",
        task = "Change add() in a.js.",
        max_repairs = 4,
        steps = (steps.Length == 0 ? ["codegen", "build-test"] : steps).Select(name => new { name, reason = name == "build-test" ? "The tests show it." : "It is needed." }),
    });

    private static List<string> Steps(JsonElement plan) => [.. plan.GetProperty("steps").EnumerateArray().Select(step => step.GetProperty("name").GetString()!)];

    /// <summary>An API whose settings name a model, or none.</summary>
    private sealed class PlannerHost : IAsyncDisposable
    {
        private readonly TestDatabase _database;
        private readonly WebApplication _app;

        private PlannerHost(TestDatabase database, WebApplication app) => (_database, _app, Client) = (database, app, new WorkflowClient(new Uri(app.Urls.First())));

        public WorkflowClient Client { get; }

        public static async Task<PlannerHost> StartAsync(OpenAiServer? endpoint)
        {
            var database = await PostgresServers.CreateDatabaseAsync();
            var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(endpoint?.Settings ?? []) { ["ConnectionStrings:cogo"] = database.ConnectionString });
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder.AddCogoServiceDefaults();
            builder.AddCogoDataSource();
            builder.Services.AddCogoBus();
            builder.AddCogoApi();
            var app = builder.Build();
            app.MapCogoApi();
            await app.StartAsync();
            return new PlannerHost(database, app);
        }

        public async Task<JsonElement> PlanAsync(object intent)
        {
            var answer = await Client.PostAsync("/api/orchestrator/plan", intent);
            Assert.True(answer.Status == 200, answer.Text);
            return answer.Json;
        }

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            await _app.DisposeAsync();
            await _database.DisposeAsync();
        }
    }
}
