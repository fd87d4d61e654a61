using System.ClientModel;
using System.ClientModel.Primitives;
using Cogo.Core.Indexing;
using Cogo.Core.Workspaces;
using OpenAI;
using OpenAI.Chat;
using Polly;
using Polly.Retry;

namespace Cogo.Workers.Codegen.OpenAi;

/// <summary>
/// Lets a model of any OpenAI-compatible endpoint make the change through tools that read, search and edit files; it
/// runs nothing. Bounded in turns, tokens and time. A turn that fails in passing is repeated; a turn that was cut off
/// has changed nothing, for tools are called only once the whole answer is there.
/// </summary>
public sealed class OpenAiEngine : ICodegenEngine
{
    private const int ListedFiles = 300;
    private const int WordsKept = 600;
    private const int ShortestSecret = 12;

    private readonly CodegenOptions _options;
    private readonly OpenAiEngineOptions _endpoint;
    private readonly CodeContextSource _index;
    private readonly TimeProvider _time;
    private readonly ChatClient? _client;

    public OpenAiEngine(CodegenOptions options, OpenAiEngineOptions endpoint, CodeContextSource index, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        _options = options;
        _endpoint = endpoint;
        _index = index;
        _time = time;
        if (Missing() is null)
            _client = Client(endpoint);
    }

    public string Name => RequestRules.OpenAiEngine;

    public async Task<EngineResult> RunAsync(EngineContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (Missing() is { } missing)
            return new EngineResult.Failed("engine_not_configured", $"The openai engine is not configured: {missing}", Verdict.Invalid);

        var tokens = new TokenCount(_endpoint.Model!, _endpoint);
        using var limit = new CancellationTokenSource(_options.Timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        EngineResult result;
        CodeContext? known = null;
        try
        {
            known = await _index.FindAsync(context, both.Token);
            result = await ConverseAsync(context, known, tokens, both.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            result = new EngineResult.Failed("engine_timeout", $"The model was not done within {_options.Timeout.TotalSeconds:0} s: give a smaller task, or raise CODEGEN_TIMEOUT_SECONDS.", Verdict.Failed);
        }
        catch (EndpointException e) when (!cancellationToken.IsCancellationRequested)
        {
            var (fault, reason) = (e.Fault, WithoutKey(e.Fault.Reason));
            result = fault.Transient ? new EngineResult.TryAgain(reason, fault.RetryAfter) : new EngineResult.Failed(fault.Code, reason, fault.Verdict);
        }

        catch (WorkspaceException e) when (e.Verdict == Verdict.Infrastructure && !cancellationToken.IsCancellationRequested)
        {
            // As the handler would say, but with the cost.
            result = new EngineResult.TryAgain(e.Message);
        }

        return result with { Cost = tokens.ToCost(), Context = known };
    }

    private async Task<EngineResult> ConverseAsync(EngineContext context, CodeContext? known, TokenCount tokens, CancellationToken cancellationToken)
    {
        var tools = new EditTools(context.Copy);
        var messages = new List<ChatMessage>
        {
            new SystemChatMessage(Prompt.System),
            new UserChatMessage(Prompt.Task(context.Request.Task ?? "", await context.Copy.ListFilesAsync(cancellationToken), ListedFiles, known)),
        };
        var reminded = false;
        for (var turn = 1; turn <= _endpoint.MaxTurns; turn++)
        {
            if (tokens.Total >= _endpoint.MaxTokens)
                return new EngineResult.Failed("token_limit", $"The model used {tokens.Total:N0} tokens in {turn - 1} turns without finishing: give a smaller task, or raise CODEGEN_MAX_TOKENS.", Verdict.Failed);

            var answer = await AskAsync(context, messages, turn, cancellationToken);
            tokens.Add(answer, messages);
            messages.Add(answer.ToMessage());
            if (answer.Text.Length > 0)
                context.Log.Write($"model: {answer.Text}");
            if (answer.Finish == ChatFinishReason.ContentFilter)
                return new EngineResult.Failed("openai_content_filter", "The model's endpoint cut the answer by its content filter: put the task in other words.", Verdict.Failed);

            foreach (var call in answer.Calls)
                messages.Add(await CallAsync(context, tools, call, cancellationToken));

            if (tools.Finished || (answer.Calls.Count == 0 && answer.Finish != ChatFinishReason.Length && (tools.HasEdited || reminded)))
                return await EndAsync(context, tools, answer.Text, cancellationToken);

            if (answer.Calls.Count == 0)
            {
                reminded |= answer.Finish != ChatFinishReason.Length;
                messages.Add(new UserChatMessage(answer.Finish == ChatFinishReason.Length ? Prompt.Cut : Prompt.Reminder));
            }
        }

        return new EngineResult.Failed("turn_limit", $"The model was not done after {_endpoint.MaxTurns} turns: give a smaller task, or raise CODEGEN_MAX_TURNS.", Verdict.Failed);
    }

    private static async Task<ToolChatMessage> CallAsync(EngineContext context, EditTools tools, ChatToolCall call, CancellationToken cancellationToken)
    {
        var answer = await tools.CallAsync(call.FunctionName, call.FunctionArguments.ToString(), cancellationToken);
        context.Log.Write(answer.Line);
        context.Progress(answer.Line);
        return new ToolChatMessage(call.Id, answer.Text);
    }

    private static async Task<EngineResult> EndAsync(EngineContext context, EditTools tools, string words, CancellationToken cancellationToken)
    {
        if (!tools.HasEdited)
        {
            var said = string.IsNullOrWhiteSpace(tools.Summary) ? words : tools.Summary;
            said = said.ReplaceLineEndings(" ").Trim();
            return new EngineResult.Failed("no_change", $"The model changed no file. It said: {(said.Length <= WordsKept ? said : string.Concat(said.AsSpan(0, WordsKept), "…"))}", Verdict.Failed);
        }

        await context.Copy.IncludeAsync([.. tools.Written], cancellationToken);
        return new EngineResult.Done();
    }

    /// <exception cref="EndpointException">The endpoint cannot be used, or not now.</exception>
    private async Task<ChatTurn> AskAsync(EngineContext context, List<ChatMessage> messages, int turn, CancellationToken cancellationToken)
    {
        context.Log.Write($"turn {turn}");
        try
        {
            return await Repeated(context, cancellationToken).ExecuteAsync(
                async token => await ChatTurn.AskAsync(_client!, messages, line => context.Progress(WithoutKey(line)), token), cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && EndpointFault.Of(e, _time) is { } fault)
        {
            throw new EndpointException(fault, e);
        }
    }

    private ResiliencePipeline<ChatTurn> Repeated(EngineContext context, CancellationToken cancellationToken)
    {
        if (_endpoint.MaxRetries == 0)
            return ResiliencePipeline<ChatTurn>.Empty;

        return new ResiliencePipelineBuilder<ChatTurn> { TimeProvider = _time }.AddRetry(new RetryStrategyOptions<ChatTurn>
        {
            MaxRetryAttempts = _endpoint.MaxRetries,
            Delay = _endpoint.RetryBaseDelay,
            BackoffType = DelayBackoffType.Exponential,
            MaxDelay = _endpoint.LongestRetryAfter,
            UseJitter = true,
            ShouldHandle = attempt => ValueTask.FromResult(
                !cancellationToken.IsCancellationRequested
                && attempt.Outcome.Exception is { } e
                && EndpointFault.Of(e, _time) is { Transient: true } fault
                && !(fault.RetryAfter > _endpoint.LongestRetryAfter)),
            DelayGenerator = attempt => ValueTask.FromResult(EndpointFault.Of(attempt.Outcome.Exception!, _time)?.RetryAfter),
            OnRetry = attempt =>
            {
                var line = WithoutKey($"asking again in {attempt.RetryDelay.TotalSeconds:0.0} s: {EndpointFault.Of(attempt.Outcome.Exception!, _time)?.Reason}");
                context.Log.Write(line);
                context.Progress(line);
                return default;
            },
        }).Build();
    }

    private string? Missing() =>
        _endpoint.Model is null ? "set OPENAI_MODEL to the model to use."
        : _endpoint.ApiKey is null && _endpoint.BaseUrl is null ? "set OPENAI_API_KEY, or OPENAI_BASE_URL to an endpoint that needs none."
        : null;

    private static ChatClient Client(OpenAiEngineOptions endpoint)
    {
        var options = new OpenAIClientOptions
        {
            UserAgentApplicationId = "cogo",
            NetworkTimeout = endpoint.Silence,
            // We repeat whole turns instead: a stream can break after its headers, where the client does not look.
            RetryPolicy = new ClientRetryPolicy(0),
        };
        if (endpoint.BaseUrl is { } address)
            options.Endpoint = address;
        return new ChatClient(endpoint.Model, new ApiKeyCredential(endpoint.ApiKey ?? "none"), options);
    }

    /// <summary>A short key is a placeholder for an endpoint that wants none, and may be an ordinary word.</summary>
    private string WithoutKey(string text) =>
        _endpoint.ApiKey is { Length: >= ShortestSecret } key ? text.Replace(key, "***", StringComparison.Ordinal) : text;

    private sealed class EndpointException(EndpointFault fault, Exception inner) : Exception(fault.Reason, inner)
    {
        public EndpointFault Fault { get; } = fault;
    }
}
