using Cogo.Core.Bus;
using Cogo.Tests.Bus;
using Cogo.Tests.Fixtures;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Api;

public class StatusTests(ApiHost api) : IClassFixture<ApiHost>
{
    [Fact]
    public async Task A_working_system_names_its_database_and_its_workers()
    {
        await using var subscription = await api.Bus.SubscribeAsync(Route.Parse("test/status/0"), new Recorder(), new SubscriptionOptions(), CancellationToken.None);
        var status = await Eventually.BecomesAsync(
            () => api.GetAsync("/api/integration/status"), answer => answer.Text.Contains("test/status/0", StringComparison.Ordinal), "the worker in the status");
        // The worker is known by now: what it reads from here on is to be seen at once.
        await using var second = await api.Bus.SubscribeAsync(Route.Parse("test/status/1"), new Recorder(), new SubscriptionOptions(), CancellationToken.None);
        Assert.Contains("test/status/1", (await api.GetAsync("/api/integration/status")).Text, StringComparison.Ordinal);

        Assert.Equal((200, "ok"), (status.Status, status.Field("status")));
        Assert.StartsWith("18.", status.Json.GetProperty("database").GetProperty("postgres_version").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_without_tables_is_told_apart_and_the_way_out_named()
    {
        await using var empty = await PostgresServers.CreateEmptyDatabaseAsync();

        var (status, request) = await AskAsync(empty.ConnectionString);

        Assert.Equal((503, "unavailable"), (status.Status, status.Field("status")));
        Assert.True(status.Json.GetProperty("database").GetProperty("reachable").GetBoolean());
        Assert.Contains("cogo migrate", status.Text, StringComparison.Ordinal);
        request.IsProblem(503, "not_migrated", "cogo migrate");
    }

    [Fact]
    public async Task A_database_that_does_not_answer_is_said_without_its_password()
    {
        var nowhere = new NpgsqlConnectionStringBuilder(api.Database.ConnectionString) { Port = 1, Password = "hidden-password" }.ConnectionString;

        var (status, request) = await AskAsync(nowhere);

        Assert.Equal((503, "unavailable"), (status.Status, status.Field("status")));
        Assert.False(status.Json.GetProperty("database").GetProperty("reachable").GetBoolean());
        Assert.DoesNotContain("hidden-password", status.Text, StringComparison.Ordinal);
        request.IsProblem(503, "database_unavailable", "Nothing was stored");
        Assert.Equal("2", request.Response.Headers.RetryAfter?.ToString());
    }

    private static async Task<(Answer Status, Answer Request)> AskAsync(string connectionString)
    {
        using var folder = new TemporaryFolder();
        await using var app = ApiHost.Build(connectionString, folder.In("artifacts"));
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        using var body = new StringContent("""{"repo":"/r","engine":"command","command":"true"}""", System.Text.Encoding.UTF8, "application/json");
        return (
            await Answer.OfAsync(await http.GetAsync(new Uri("/api/integration/status", UriKind.Relative))),
            await Answer.OfAsync(await http.PostAsync(new Uri("/api/pipeline/codeBuildTest", UriKind.Relative), body)));
    }
}
