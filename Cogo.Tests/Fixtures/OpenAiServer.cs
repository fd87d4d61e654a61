using System.Collections.Concurrent;
using System.Text.Json;
using Cogo.Tests.Codegen;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Cogo.Tests.Fixtures;

/// <summary>
/// An OpenAI-compatible endpoint on loopback: <c>POST /v1/chat/completions</c> as server-sent events, with tool calls
/// split over chunks. It answers by a script, checks each request as a real endpoint does, and keeps it.
/// <code>
/// await using var server = await OpenAiServer.StartAsync(
///     OpenAiReply.Calls(("read_file", new { path = "src/app.js" })),
///     OpenAiReply.Calls(("replace_in_file", new { path = "src/app.js", old = "a - b", @new = "a + b" })),
///     OpenAiReply.Calls(("finish", new { summary = "done" })));
/// // OPENAI_BASE_URL = server.BaseUrl, OPENAI_API_KEY = OpenAiServer.Key, OPENAI_MODEL = OpenAiServer.Model
/// </code>
/// </summary>
internal sealed class OpenAiServer : IAsyncDisposable
{
    public const string Key = "sk-test-0123456789";
    public const string Model = "test-model";

    private readonly ConcurrentQueue<OpenAiReply> _script;
    private readonly ConcurrentQueue<JsonElement> _requests = new();
    private LocalServer? _server;

    private OpenAiServer(IEnumerable<OpenAiReply> script) => _script = new ConcurrentQueue<OpenAiReply>(script);

    public Uri BaseUrl => new(_server!.Address, "/v1");

    /// <summary>What was asked, in order; also what was answered with a fault.</summary>
    public IReadOnlyList<JsonElement> Requests => [.. _requests];

    /// <summary>The settings that point the openai engine here.</summary>
    public Dictionary<string, string?> Settings => new()
    {
        ["OPENAI_BASE_URL"] = BaseUrl.AbsoluteUri,
        ["OPENAI_API_KEY"] = Key,
        ["OPENAI_MODEL"] = Model,
    };

    /// <summary>Starts with the answers it gives, one a request; the last is repeated for ever.</summary>
    public static async Task<OpenAiServer> StartAsync(params OpenAiReply[] script)
    {
        var server = new OpenAiServer(script);
        server._server = await LocalServer.StartAsync(app => app.MapPost("/v1/chat/completions", server.AnswerAsync));
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var request = await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.Body);
        _requests.Enqueue(request);
        OpenAiReply? reply;
        if (_script.Count > 1)
            _script.TryDequeue(out reply);
        else
            _script.TryPeek(out reply);

        var fault = context.Request.Headers.Authorization != $"Bearer {Key}"
            ? OpenAiReply.Fault(401, $"Incorrect API key provided: {context.Request.Headers.Authorization}.", "invalid_request_error", "invalid_api_key")
            : request.GetProperty("model").GetString() != Model
                ? OpenAiReply.Fault(404, $"The model {request.GetProperty("model")} does not exist.", "invalid_request_error", "model_not_found")
                : Broken(request) is { } problem ? OpenAiReply.Fault(400, problem, "invalid_request_error", null) : null;
        await (fault ?? reply ?? throw new InvalidOperationException("The script is empty.")).WriteAsync(context);
    }

    /// <summary>What OpenAI answers 400 to: calls and their answers must pair up, and we only speak streams.</summary>
    private static string? Broken(JsonElement request)
    {
        if (!request.TryGetProperty("stream", out var stream) || !stream.GetBoolean())
            return "This endpoint only streams.";

        var open = new HashSet<string>(StringComparer.Ordinal);
        foreach (var message in request.GetProperty("messages").EnumerateArray())
        {
            var role = message.GetProperty("role").GetString();
            if (role == "tool")
            {
                if (!open.Remove(message.GetProperty("tool_call_id").GetString()!))
                    return "A tool message must answer a tool call of the message before it.";
                continue;
            }

            if (open.Count > 0)
                return $"No tool message answers {string.Join(", ", open)}.";
            if (role != "assistant" || !message.TryGetProperty("tool_calls", out var calls))
                continue;
            foreach (var call in calls.EnumerateArray())
            {
                open.Add(call.GetProperty("id").GetString()!);
                using var arguments = JsonDocument.Parse(call.GetProperty("function").GetProperty("arguments").GetString()!);
            }
        }

        return open.Count > 0 ? "The last tool calls are not answered." : null;
    }
}
