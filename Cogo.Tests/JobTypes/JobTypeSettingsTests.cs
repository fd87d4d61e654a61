using Cogo.Core.Jobs;
using Cogo.Tests.Fixtures;
using Cogo.Workers.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace Cogo.Tests.JobTypes;

public class JobTypeSettingsTests
{
    [Fact]
    public void Settings_map_to_options()
    {
        var browser = JobTypeSettings.Browser(Settings.Of(("HEADLESS", "false"), ("NO_SANDBOX", "1"), ("BROWSER_CHANNEL", "chrome"), ("BROWSER_NAV_TIMEOUT_MS", "1500"), ("BROWSER_FORCE_SUCCESS", "TRUE")));
        Assert.Equal((false, true, "chrome", 1.5, true, true), (browser.Headless, browser.NoSandbox, browser.Channel, browser.NavigationTimeout.TotalSeconds, browser.ForceSuccess, browser.RealMode));
        var shell = JobTypeSettings.Shell(Settings.Of(("SHELL_JOBS_ENABLED", "true"), ("SHELL_JOB_ENV", "A, B")));
        Assert.True(shell.Enabled);
        Assert.Equal(["A", "B"], shell.PassedVariables);
        Assert.Equal("https://api.figma.com/", JobTypeSettings.Figma(Settings.Of()).ApiBase.AbsoluteUri);
        Assert.False(JobTypeSettings.Http(Settings.Of()).AllowPrivate);
    }

    [Theory]
    [InlineData("HEADLESS", "maybe")]
    [InlineData("BROWSER_CHANNEL", "netscape")]
    [InlineData("BROWSER_NAV_TIMEOUT_MS", "0")]
    [InlineData("HTTP_JOB_ALLOW_PRIVATE", "yes")]
    [InlineData("HTTP_JOB_RESPONSE_MB", "-1")]
    [InlineData("FIGMA_API_BASE", "figma.com")]
    [InlineData("FIGMA_API_TOKEN", "two words")]
    [InlineData("SHELL_JOBS_ENABLED", "on")]
    public void A_setting_that_cannot_be_read_stops_the_worker_and_is_named(string name, string value)
    {
        var refused = Assert.Throws<FormatException>(() => new ServiceCollection().AddCogoJobTypes(Settings.Of((name, value))));

        Assert.StartsWith(name, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_type_is_registered_once()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        await using var database = NpgsqlDataSource.Create("Host=localhost");
        services.AddSingleton(database);
        services.AddCogoJobTypes(Settings.Of());
        services.AddCogoJobTypes(Settings.Of());
        await using var provider = services.BuildServiceProvider();

        Assert.Equal(
            ["browser.assert", "browser.navigate", "browser.screenshot", "browser.script", "figma.file", "figma.image", "http.get", "http.post", "http.request", "notify.webhook", "pipeline.run", "shell.run"],
            provider.GetServices<IJobHandler>().Select(handler => handler.Type).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_token_is_not_in_the_text_of_its_options() =>
        Assert.DoesNotContain("sesame", JobTypeSettings.Figma(Settings.Of(("FIGMA_API_TOKEN", "sesame"))).ToString(), StringComparison.Ordinal);
}
