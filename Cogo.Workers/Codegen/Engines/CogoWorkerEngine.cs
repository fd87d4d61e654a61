using System.Net;
using System.Text;
using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Workspaces;

namespace Cogo.Workers.Codegen.Engines;

/// <summary>
/// Posts the task to an HTTP service and applies the diff that it answers with, under the rules of the patch engine.
/// What may pass (no connection, 408, 429, 5xx, no answer in time) is tried again by the bus.
/// </summary>
public sealed class CogoWorkerEngine : ICodegenEngine, IDisposable
{
    private const int QuotedLength = 500;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly CogoWorkerEngineOptions _options;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    public CogoWorkerEngine(CogoWorkerEngineOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _time = time;
        // A redirect would carry the repository's content to a host that nobody configured.
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = options.AnswerBytes };
    }

    public string Name => RequestRules.CogoWorkerEngine;

    public async Task<EngineResult> RunAsync(EngineContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!_options.Enabled || _options.Url is null)
            return new EngineResult.Failed("engine_not_configured", "The cogo-worker engine is not configured: set ENABLE_COGO_WORKER=true and COGO_WORKER_URL to the address of the service.", Verdict.Invalid);

        var request = await RequestAsync(context, cancellationToken);
        var host = Address(_options.Url);
        context.Log.Write($"POST {host}, {request.Files.Count} files, {request.Files.Count(file => file.Content is not null)} with content");
        context.Progress($"asking {host}");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.Timeout);
        try
        {
            using var response = await _http.PostAsJsonAsync(_options.Url, request, CogoJson.Options, limit.Token);
            var text = await response.Content.ReadAsStringAsync(limit.Token);
            context.Log.Write($"{(int)response.StatusCode} {response.ReasonPhrase}, {text.Length:N0} characters");
            return response.IsSuccessStatusCode ? await AcceptAsync(context, text, cancellationToken) : Refused(response, text);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new EngineResult.TryAgain($"The cogo-worker at {host} did not answer within {_options.Timeout.TotalSeconds:0.###} s; see COGO_WORKER_TIMEOUT_MS.");
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            return new EngineResult.Failed("cogo_worker_answer", $"The cogo-worker at {host} answered with more than {_options.AnswerBytes:N0} bytes.", Verdict.Failed);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new EngineResult.TryAgain($"The cogo-worker at {host} cannot be reached: {e.Message}");
        }
    }

    public void Dispose() => _http.Dispose();

    private static async Task<EngineResult> AcceptAsync(EngineContext context, string text, CancellationToken cancellationToken)
    {
        CogoWorkerAnswer? answer;
        try
        {
            answer = JsonSerializer.Deserialize<CogoWorkerAnswer>(text, CogoJson.Options);
        }
        catch (JsonException e)
        {
            return new EngineResult.Failed("cogo_worker_answer", $"The cogo-worker's answer is not what docs/codegen.md describes: {e.Message} It began: {Quoted(text)}", Verdict.Failed);
        }

        var cost = new EngineCost { Model = answer?.Model, InputTokens = answer?.InputTokens, OutputTokens = answer?.OutputTokens, CostUsd = answer?.CostUsd };
        if (answer?.Log is { Length: > 0 } log)
            context.Log.Write(log);
        if (answer?.Error is { Length: > 0 } error)
            return new EngineResult.Failed("cogo_worker_failed", $"The cogo-worker made no change: {Quoted(error)}", Verdict.Failed) { Cost = cost };
        if (string.IsNullOrWhiteSpace(answer?.Diff))
            return new EngineResult.Failed("no_change", "The cogo-worker answered with neither a diff nor an error: see codegen.log, and say in the task which behaviour to change.", Verdict.Failed) { Cost = cost };

        try
        {
            var diff = await context.Copy.ApplyAsync(Encoding.UTF8.GetBytes(answer.Diff), PatchRules.Submitted, cancellationToken);
            context.Progress($"applied a diff of {diff.Files.Count} files");
            return new EngineResult.Done { Cost = cost };
        }
        catch (WorkspaceException e) when (e.Verdict != Verdict.Infrastructure)
        {
            return new EngineResult.Failed(e.Code, e.Message, Verdict.Failed) { Cost = cost };
        }
    }

    private EngineResult Refused(HttpResponseMessage response, string text)
    {
        var status = (int)response.StatusCode;
        var what = $"The cogo-worker at {Address(_options.Url!)} answered {status} {response.ReasonPhrase}";
        if (response.StatusCode is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || status >= 500)
            return new EngineResult.TryAgain($"{what}: {Quoted(text)}", RetryAfter(response));
        if (status is >= 300 and < 400)
            return new EngineResult.Failed("cogo_worker_refused", $"{what}: redirects are not followed, so set COGO_WORKER_URL to the final address.", Verdict.Invalid);
        return new EngineResult.Failed("cogo_worker_refused", $"{what}: check COGO_WORKER_URL and the request. It said: {Quoted(text)}", Verdict.Invalid);
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date > _time.GetUtcNow() => date - _time.GetUtcNow(),
        _ => null,
    };

    private async Task<CogoWorkerRequest> RequestAsync(EngineContext context, CancellationToken cancellationToken)
    {
        var copy = context.Copy;
        var files = new List<CogoWorkerFile>();
        var left = _options.FilesBytes;
        foreach (var path in await copy.ListFilesAsync(cancellationToken))
        {
            var content = left > 0 && copy.Project.Problem(path) is null ? await TextAsync(copy.Project.Resolve(path), left, cancellationToken) : null;
            left -= content is null ? 0 : Encoding.UTF8.GetByteCount(content);
            files.Add(new CogoWorkerFile(path, content));
        }

        return new CogoWorkerRequest
        {
            TaskId = context.TaskId,
            TraceId = context.TraceId,
            Repo = copy.Repository,
            Subfolder = copy.Subfolder.Length > 0 ? copy.Subfolder : null,
            BaseCommit = copy.BaseCommit,
            Task = context.Request.Task ?? "",
            Files = files,
        };
    }

    private static async Task<string?> TextAsync(string file, int limit, CancellationToken cancellationToken)
    {
        if (new FileInfo(file).Length > limit)
            return null;
        var bytes = await File.ReadAllBytesAsync(file, cancellationToken);
        try
        {
            return bytes.AsSpan().Contains((byte)0) ? null : StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            // Not UTF-8: the file is named without its content.
            return null;
        }
    }

    /// <summary>Without user, password and query.</summary>
    private static string Address(Uri url) => url.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);

    private static string Quoted(string text)
    {
        var line = text.ReplaceLineEndings(" ").Trim();
        return line.Length <= QuotedLength ? line : string.Concat(line.AsSpan(0, QuotedLength), "…");
    }
}
