using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Cogo.Core.Jobs;

namespace Cogo.Workers.Jobs.Notify;

/// <summary>Keeps one open issue a subject: the first notification opens it, the next ones bring it up to date.</summary>
internal sealed class GitHubIssue(NotifyOptions options, WebhookClient client)
{
    /// <summary>Marks the issues that are ours to change.</summary>
    public const string Label = "cogo";

    private const int PageSize = 100;
    private const int MostPages = 20;

    private string Issues => $"{options.GitHubApi.AbsoluteUri.TrimEnd('/')}/repos/{options.GitHubOwner}/{options.GitHubRepo}/issues";

    public async Task<WebhookDelivery> UpsertAsync(string subject, string body, CancellationToken cancellationToken)
    {
        var (number, refused) = await FindAsync(subject, cancellationToken);
        if (refused is { } ending)
        {
            return ending;
        }

        var answer = number is { } known
            ? await client.SendAsync("github", Request(HttpMethod.Patch, $"{Issues}/{known.ToString(CultureInfo.InvariantCulture)}", new { body }), cancellationToken)
            : await client.SendAsync("github", Request(HttpMethod.Post, Issues, new { title = subject, body, labels = new[] { Label } }), cancellationToken);
        return new WebhookDelivery(
            answer.Ending ?? new JobOutcome.Succeeded(new { kind = "github", issue = Number(answer.Json) ?? number, opened = number is null }), answer.Status);
    }

    /// <summary>The open issue with this title and our label.</summary>
    private async Task<(long? Number, WebhookDelivery? Refused)> FindAsync(string subject, CancellationToken cancellationToken)
    {
        for (var page = 1; page <= MostPages; page++)
        {
            var answer = await client.SendAsync(
                "github", Request(HttpMethod.Get, string.Create(CultureInfo.InvariantCulture, $"{Issues}?state=open&labels={Label}&per_page={PageSize}&page={page}"), null), cancellationToken);
            if (answer.Ending is not null)
            {
                return (null, new WebhookDelivery(answer.Ending, answer.Status));
            }

            if (answer.Json is not { ValueKind: JsonValueKind.Array } issues)
            {
                return (null, new WebhookDelivery(new JobOutcome.Retry("The github webhook answered with something else than a list of issues."), answer.Status));
            }

            foreach (var issue in issues.EnumerateArray())
            {
                if (issue.TryGetProperty("title", out var title) && title.ValueEquals(subject) && !issue.TryGetProperty("pull_request", out _) && Number(issue) is { } number)
                {
                    return (number, null);
                }
            }

            if (issues.GetArrayLength() < PageSize)
            {
                break;
            }
        }

        return (null, null);
    }

    private HttpRequestMessage Request(HttpMethod method, string address, object? document)
    {
        var request = new HttpRequestMessage(method, address);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", options.GitHubToken);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/vnd.github+json"));
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("cogo", null));
        request.Headers.TryAddWithoutValidation("X-GitHub-Api-Version", "2022-11-28");
        if (document is not null)
        {
            request.Content = WebhookClient.Json(JsonSerializer.SerializeToUtf8Bytes(document, Core.CogoJson.Options));
        }

        return request;
    }

    private static long? Number(JsonElement? issue) =>
        issue is { ValueKind: JsonValueKind.Object } found && found.TryGetProperty("number", out var number) && number.TryGetInt64(out var value) ? value : null;
}
