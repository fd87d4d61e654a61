using System.Globalization;
using Cogo.Core.Artifacts;
using Cogo.Core.Artifacts.S3;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Artifacts;

/// <summary>A store that cannot be used, and settings that name none: sentences that say what to do and hold no key.</summary>
public class S3ProblemTests(S3Server server)
{
    // The check asks the store, never the database.
    private static readonly NpgsqlDataSource NoDatabase = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Database=cogo;Username=cogo");

    [Fact]
    public async Task A_bucket_that_is_there_is_good()
    {
        using var store = Store(await server.OptionsAsync());

        await store.CheckAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_bucket_that_is_missing_is_named()
    {
        var problem = await ProblemAsync(await server.OptionsAsync(options => options with { Bucket = "elsewhere" }));

        Assert.Contains("There is no bucket elsewhere at http://127.0.0.1:", problem, StringComparison.Ordinal);
        Assert.Contains("make it, or correct ARTIFACTS_S3_BUCKET", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_access_key_that_the_store_does_not_know_is_told()
    {
        var problem = await ProblemAsync(await server.OptionsAsync(options => options with { AccessKeyId = "hidden-id", SecretAccessKey = "hidden-word" }));

        Assert.Contains("does not know the access key: correct ARTIFACTS_S3_ACCESS_KEY_ID", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_does_not_answer_is_named()
    {
        var problem = await ProblemAsync(new S3Options { Bucket = "artifacts", Endpoint = new Uri("http://127.0.0.1:1"), PathStyle = true, AccessKeyId = "a", SecretAccessKey = "b", Retries = 0 });

        Assert.Contains("The store of artifacts at http://127.0.0.1:1 does not answer (Connection refused", problem, StringComparison.Ordinal);
        Assert.Contains("ARTIFACTS_S3_ENDPOINT is right", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(403, "SignatureDoesNotMatch", "the secret does not go with the access key: correct ARTIFACTS_S3_SECRET_ACCESS_KEY")]
    [InlineData(403, "AccessDenied", "The keys may not use the bucket")]
    [InlineData(403, "RequestTimeTooSkewed", "this machine's clock is wrong")]
    [InlineData(400, "AuthorizationHeaderMalformed", "is in another region: correct ARTIFACTS_S3_REGION")]
    [InlineData(503, "SlowDown", "refused: Said by the store (SlowDown)")]
    public async Task What_other_stores_say_is_told_with_what_to_do(int status, string code, string words)
    {
        // Errors that the server of these tests does not make, in the words of the protocol.
        await using var app = await SayingAsync(status, $"""<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>Said by the store.</Message></Error>""");

        var problem = await ProblemAsync(new S3Options
        {
            Bucket = "artifacts",
            Endpoint = new Uri(app.Urls.First()),
            PathStyle = true,
            AccessKeyId = "hidden-id",
            SecretAccessKey = "hidden-word",
            Retries = 0,
        });

        Assert.Contains(words, problem, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ARTIFACTS_S3_ENDPOINT is set and ARTIFACTS_S3_BUCKET is not", "ENDPOINT=http://s3:9000")]
    [InlineData("ARTIFACTS_S3_SECRET_ACCESS_KEY is set and ARTIFACTS_S3_BUCKET is not", "SECRET_ACCESS_KEY=hidden-word")]
    [InlineData("ARTIFACTS_S3_ACCESS_KEY_ID is set and ARTIFACTS_S3_SECRET_ACCESS_KEY is not", "BUCKET=artifacts", "REGION=eu-central-1", "ACCESS_KEY_ID=hidden-id")]
    [InlineData("ARTIFACTS_S3_SECRET_ACCESS_KEY is set and ARTIFACTS_S3_ACCESS_KEY_ID is not", "BUCKET=artifacts", "REGION=eu-central-1", "SECRET_ACCESS_KEY=hidden-word")]
    [InlineData("neither ARTIFACTS_S3_REGION nor ARTIFACTS_S3_ENDPOINT", "BUCKET=artifacts")]
    [InlineData("ARTIFACTS_S3_BUCKET is 'Art_ifacts'", "BUCKET=Art_ifacts", "REGION=eu-central-1")]
    [InlineData("ARTIFACTS_S3_ENDPOINT is no address of a store", "BUCKET=artifacts", "ENDPOINT=s3:9000")]
    [InlineData("ARTIFACTS_S3_ENDPOINT is no address of a store", "BUCKET=artifacts", "ENDPOINT=https://hidden-id:hidden-word@s3")]
    [InlineData("ARTIFACTS_S3_ENDPOINT is no address of a store", "BUCKET=artifacts", "ENDPOINT=https://s3/artifacts")]
    [InlineData("ARTIFACTS_S3_PREFIX is '../x'", "BUCKET=artifacts", "REGION=eu-central-1", "PREFIX=../x")]
    [InlineData("ARTIFACTS_S3_PATH_STYLE is 'maybe'", "BUCKET=artifacts", "REGION=eu-central-1", "PATH_STYLE=maybe")]
    [InlineData("ARTIFACTS_LINK_MINUTES is '20000'", "BUCKET=artifacts", "REGION=eu-central-1", "LINK_MINUTES=20000")]
    public void A_setting_that_is_wrong_or_alone_is_named(string words, params string[] settings)
    {
        var refused = Assert.Throws<FormatException>(() => Read(settings));

        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_that_go_together_are_read()
    {
        Assert.Null(Read());
        Assert.Equal(new S3Options { Bucket = "artifacts", Region = "eu-central-1" }, Read("BUCKET=artifacts", "REGION=eu-central-1"));
        var other = Read("BUCKET=artifacts", "ENDPOINT=http://s3:9000", "PREFIX=/cogo/live/", "ACCESS_KEY_ID=id", "SECRET_ACCESS_KEY=hidden-word", "LINK_MINUTES=5");
        Assert.Equal(
            new S3Options
            {
                Bucket = "artifacts",
                Endpoint = new Uri("http://s3:9000"),
                PathStyle = true,
                Prefix = "cogo/live/",
                AccessKeyId = "id",
                SecretAccessKey = "hidden-word",
                LinkLifetime = TimeSpan.FromMinutes(5),
            },
            other);
        Assert.DoesNotContain("hidden-word", other!.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("soon")]
    public void A_time_to_live_is_a_number_of_days(string text)
    {
        var refused = Assert.Throws<FormatException>(() => ArtifactOptions.Read(name => name == "ARTIFACTS_EXPIRE_DAYS" ? text : null));

        Assert.Contains($"ARTIFACTS_EXPIRE_DAYS is '{text}'", refused.Message, StringComparison.Ordinal);
    }

    private static S3ArtifactStore Store(S3Options options) => new(NoDatabase, new ArtifactOptions(), options);

    private static async Task<string> ProblemAsync(S3Options options)
    {
        using var store = Store(options);
        return (await Assert.ThrowsAsync<ArtifactStorageException>(() => store.CheckAsync(CancellationToken.None))).Message;
    }

    private static S3Options? Read(params string[] settings)
    {
        var values = settings.Select(setting => setting.Split('=', 2)).ToDictionary(
            pair => pair[0].StartsWith("LINK", StringComparison.Ordinal) ? $"ARTIFACTS_{pair[0]}" : $"ARTIFACTS_S3_{pair[0]}", pair => pair[1]);
        return S3Options.Read(name => values.GetValueOrDefault(name));
    }

    private static async Task<WebApplication> SayingAsync(int status, string body)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(async context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = "application/xml";
            context.Response.Headers["x-amz-request-id"] = status.ToString(CultureInfo.InvariantCulture);
            await context.Response.WriteAsync(body);
        });
        await app.StartAsync();
        return app;
    }
}
