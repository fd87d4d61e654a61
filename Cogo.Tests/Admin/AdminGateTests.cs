using System.Net;
using System.Text.Json;
using Cogo.Api.Admin;
using Cogo.Tests.Api;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Admin;

public class AdminGateTests
{
    [Fact]
    public async Task Every_admin_operation_wants_the_token_and_says_so_in_the_document()
    {
        await using var host = await StartAsync(new AdminHost { Options = Limited(100, TimeSpan.FromMinutes(1)) });
        var document = (await host.GetAsync("/openapi/v1.json")).Json;
        var operations = Operations(document);
        Assert.Equal(7, operations.Count);
        var scheme = document.GetProperty("components").GetProperty("securitySchemes").GetProperty("admin_token");
        Assert.Equal(("apiKey", "header", "x-admin-token"), (scheme.GetProperty("type").GetString(), scheme.GetProperty("in").GetString(), scheme.GetProperty("name").GetString()));

        foreach (var (method, path, operation) in operations)
        {
            var missing = await host.SendAsync(method, path, "not json", token: null);
            missing.IsProblem(401, "admin_token_missing", "x-admin-token");
            Assert.Contains("AdminToken", missing.Response.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
            (await host.SendAsync(method, path, "not json", token: AdminHost.WrongToken)).IsProblem(401, "admin_token_wrong", "QUALITY_NOTIFY_ADMIN_TOKEN");
            (await host.SendAsync(method, path, token: AdminHost.Token[..^1])).IsProblem(401, "admin_token_wrong", "QUALITY_NOTIFY_ADMIN_TOKEN");
            Assert.Equal("admin_token", Assert.Single(Assert.Single(operation.GetProperty("security").EnumerateArray()).EnumerateObject()).Name);
            var answers = operation.GetProperty("responses");
            Assert.All(new[] { "401", "403", "429", "503" }, status => Assert.True(answers.TryGetProperty(status, out _), $"{path} does not document {status}"));
            if (!path.EndsWith("/picture", StringComparison.Ordinal))
            {
                var answer = answers.EnumerateObject().First(one => one.Name[0] == '2').Value.GetProperty("content").GetProperty("application/json");
                Assert.True(answer.TryGetProperty("example", out _) && answer.TryGetProperty("schema", out _), $"{path} shows no answer");
            }
        }

        Assert.Equal(0L, await host.Database.ScalarAsync<long>("select count(*) from jobs"));
        Assert.Equal(14L, await host.Database.ScalarAsync<long>("select count(*) from bus_events where type = 'admin_refused' and data ->> 'address' = '127.0.0.1'"));
        Assert.Equal(
            "POST /api/admin/weekly/enqueue", await host.Database.ScalarAsync<string>("select data ->> 'operation' from bus_events where type = 'admin_refused' order by data ->> 'operation' desc limit 1"));
    }

    [Fact]
    public async Task Where_no_token_is_set_nobody_is_let_in()
    {
        Assert.False(AdminOptions.Read(Settings.Of()).IsConfigured);
        Assert.False(AdminOptions.Read(Settings.Of((AdminOptions.TokenSetting, ""))).IsToken(""));
        await using var host = await StartAsync(new AdminHost { AdminToken = "  " });

        foreach (var (method, path, _) in Operations((await host.GetAsync("/openapi/v1.json")).Json))
        {
            foreach (var sent in new[] { null, "", "anything" })
            {
                (await host.SendAsync(method, path, "{}", token: sent)).IsProblem(403, "admin_not_configured", "set QUALITY_NOTIFY_ADMIN_TOKEN");
            }
        }
    }

    [Fact]
    public async Task After_too_many_wrong_tokens_even_the_right_one_has_to_wait()
    {
        await using var host = await StartAsync(new AdminHost { Options = Limited(3, TimeSpan.FromSeconds(2)) });
        const string path = "/api/admin/notify/weekly";
        Assert.Equal(200, (await host.GetAsync(path)).Status);

        var guesses = new List<Answer>();
        for (var i = 0; i < 5; i++)
        {
            guesses.Add(await host.SendAsync(HttpMethod.Get, path, token: AdminHost.WrongToken));
        }

        Assert.Equal([401, 401, 401, 429, 429], guesses.Select(guess => guess.Status));
        guesses[^1].IsProblem(429, "too_many_admin_failures", "try again in");
        Assert.InRange(guesses[^1].Response.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));
        (await host.GetAsync(path)).IsProblem(429, "too_many_admin_failures", "try again in");
        Assert.Equal(3L, await host.Database.ScalarAsync<long>("select count(*) from bus_events where type = 'admin_refused'"));
        Assert.Equal(401, (await host.SendAsync(HttpMethod.Get, path, token: null)).Status);
        await Eventually.BecomesAsync(() => host.GetAsync(path), answer => answer.Status == 200, "the end of the wait");
    }

    [Fact]
    public void Failures_are_counted_by_address_and_by_network_of_ipv6()
    {
        using var failures = new AdminFailures(Limited(1, TimeSpan.FromMinutes(1)));

        Assert.Null(failures.Count(IPAddress.Parse("192.0.2.1")));
        Assert.NotNull(failures.Locked(IPAddress.Parse("::ffff:192.0.2.1")));
        Assert.Null(failures.Locked(IPAddress.Parse("192.0.2.2")));
        Assert.Null(failures.Count(IPAddress.Parse("2001:db8:1:2::1")));
        Assert.NotNull(failures.Count(IPAddress.Parse("2001:db8:1:2:ffff::9")));
        Assert.Null(failures.Count(IPAddress.Parse("2001:db8:1:3::1")));
        Assert.Null(failures.Count(null));
        Assert.NotNull(failures.Count(null));
    }

    [Theory]
    [InlineData("short-sesame")]
    [InlineData("long enough sesame but with spaces")]
    [InlineData("sésame-4711-sésame-4711")]
    public void A_token_that_is_easy_to_guess_or_cannot_be_sent_is_refused_and_not_repeated(string token)
    {
        var refused = Assert.Throws<FormatException>(() => AdminOptions.Read(Settings.Of((AdminOptions.TokenSetting, token))));

        Assert.Contains(AdminOptions.TokenSetting, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("same", refused.Message, StringComparison.Ordinal);
    }

    private static AdminOptions Limited(int failures, TimeSpan window) => AdminOptions.Of(AdminHost.Token) with { FailureLimit = failures, FailureWindow = window };

    private static async Task<AdminHost> StartAsync(AdminHost host)
    {
        await host.InitializeAsync();
        return host;
    }

    private static List<(HttpMethod Method, string Path, JsonElement Operation)> Operations(JsonElement document) =>
    [
        .. document.GetProperty("paths").EnumerateObject()
            .Where(path => path.Name.StartsWith("/api/admin", StringComparison.Ordinal))
            .SelectMany(path => path.Value.EnumerateObject(), (path, operation) => (HttpMethod.Parse(operation.Name), path.Name, operation.Value)),
    ];
}
