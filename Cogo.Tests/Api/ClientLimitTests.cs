using System.Net;
using System.Net.Http.Headers;
using Cogo.Api.Limits;
using Cogo.Tests.Fixtures;
using Microsoft.AspNetCore.Builder;
using Xunit;

namespace Cogo.Tests.Api;

/// <summary>How much one client may ask.</summary>
public sealed class ClientLimitTests
{
    [Fact]
    public async Task Who_asks_too_much_is_told_when_to_come_again_and_others_are_not()
    {
        await using var api = await LimitedApi.StartAsync((ApiLimits.RequestsPerSecondSetting, "1"), (ApiLimits.BurstSetting, "3"), (ApiLimits.TrustedProxiesSetting, "127.0.0.0/8,::1"));

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(404, (await api.GetAsync("10.0.0.1")).Status);
        }

        var refused = await api.GetAsync("10.0.0.1");
        refused.IsProblem(429, "too_many_requests", "try again in 1 s");
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Response.Headers.RetryAfter?.Delta);
        Assert.Equal(404, (await api.GetAsync("10.0.0.2")).Status);
        await Eventually.BecomesAsync(() => api.GetAsync("10.0.0.1"), answer => answer.Status == 404, "the client's next turn");
    }

    [Fact]
    public async Task Nobody_passes_for_another_but_by_a_trusted_proxy()
    {
        await using var api = await LimitedApi.StartAsync((ApiLimits.RequestsPerSecondSetting, "1"), (ApiLimits.BurstSetting, "1"));

        Assert.Equal(404, (await api.GetAsync("10.0.0.1")).Status);
        Assert.Equal(429, (await api.GetAsync("10.0.0.2")).Status);
    }

    [Fact]
    public async Task Health_checks_are_not_counted()
    {
        await using var api = await LimitedApi.StartAsync((ApiLimits.RequestsPerSecondSetting, "1"), (ApiLimits.BurstSetting, "1"));

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(200, (await api.GetAsync(path: "/alive")).Status);
        }
    }

    [Fact]
    public async Task A_body_over_the_limit_that_was_set_is_refused()
    {
        await using var api = await LimitedApi.StartAsync((ApiLimits.BodyLimitSetting, "2048"));
        using var content = new StringContent($$"""{"repo":"{{new string('a', 2048)}}"}""", MediaTypeHeaderValue.Parse("application/json"));

        (await api.PostAsync("/api/pipeline/indexing", content)).IsProblem(413, "body_too_large", "2048 bytes");
    }

    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("::ffff:192.0.2.7", "192.0.2.7")]
    [InlineData("2001:db8:1:2:3::4", "20010DB800010002")]
    [InlineData("2001:db8:1:2:ffff::", "20010DB800010002")]
    public void A_client_is_an_address_or_a_network_of_its_own(string address, string client) =>
        Assert.Equal(client, ClientLimits.Client(IPAddress.Parse(address)));

    [Theory]
    [InlineData(ApiLimits.BodyLimitSetting, "5242881")]
    [InlineData(ApiLimits.RequestsPerSecondSetting, "-1")]
    [InlineData(ApiLimits.BurstSetting, "0")]
    [InlineData(ApiLimits.ConcurrencySetting, "many")]
    [InlineData(ApiLimits.TrustedProxiesSetting, "10.0.0.1,proxy")]
    public void A_setting_that_cannot_be_read_is_named(string setting, string value) =>
        Assert.Contains(setting, Assert.Throws<FormatException>(() => ApiLimits.Read(Settings.Of((setting, value)))).Message, StringComparison.Ordinal);

    /// <summary>The API with limits of its own. What is asked of it needs no database.</summary>
    private sealed class LimitedApi(WebApplication app, TemporaryFolder folder, HttpClient http) : IAsyncDisposable
    {
        public static async Task<LimitedApi> StartAsync(params (string Name, string Value)[] settings)
        {
            var folder = new TemporaryFolder();
            var app = ApiHost.Build("Host=127.0.0.1;Port=1;Database=none;Username=none", folder.In("artifacts"), settings.Select(setting => KeyValuePair.Create(setting.Name, (string?)setting.Value)));
            await app.StartAsync();
            return new LimitedApi(app, folder, new HttpClient { BaseAddress = new Uri(app.Urls.First()) });
        }

        public async Task<Answer> GetAsync(string? client = null, string path = "/api/nothing")
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
            if (client is not null)
            {
                request.Headers.Add("X-Forwarded-For", client);
            }

            return await Answer.OfAsync(await http.SendAsync(request));
        }

        public async Task<Answer> PostAsync(string path, HttpContent content) => await Answer.OfAsync(await http.PostAsync(new Uri(path, UriKind.Relative), content));

        public async ValueTask DisposeAsync()
        {
            http.Dispose();
            await app.DisposeAsync();
            folder.Dispose();
        }
    }
}
