using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Cogo.Tests.Fixtures;

/// <summary>One answer of <see cref="OpenAiServer"/>, in the chunks of the real protocol.</summary>
internal sealed record OpenAiReply(Func<HttpContext, Task> WriteAsync)
{
    private const int PieceLength = 7;

    /// <summary>Words, and no tool call.</summary>
    public static OpenAiReply Text(string text, string finish = "stop", bool usage = true) =>
        new(context => StreamAsync(context, TextChunks(text), finish, usage));

    /// <summary>Tool calls, each name and arguments (serialized as they are), their arguments split over chunks.</summary>
    public static OpenAiReply Calls(params (string Name, object Arguments)[] calls) =>
        RawCalls([.. calls.Select(call => (call.Name, JsonSerializer.Serialize(call.Arguments)))]);

    /// <summary>Tool calls whose arguments are not made by a serializer; words before them.</summary>
    public static OpenAiReply RawCalls(IReadOnlyList<(string Name, string Arguments)> calls, string text = "", bool everyIndexZero = false) =>
        new(context => StreamAsync(context, [.. TextChunks(text), .. CallChunks(calls, everyIndexZero)], "tool_calls", usage: true));

    /// <summary>An HTTP error as OpenAI words it.</summary>
    public static OpenAiReply Fault(int status, string message, string type = "server_error", string? code = null, string? retryAfter = null) => new(context =>
    {
        context.Response.StatusCode = status;
        if (retryAfter is not null)
            context.Response.Headers.RetryAfter = retryAfter;
        return context.Response.WriteAsJsonAsync(new { error = new { message, type, code } });
    });

    /// <summary>The connection breaks in the middle of an answer.</summary>
    public static OpenAiReply Disconnect() => new(async context =>
    {
        await BeginAsync(context);
        await SendAsync(context, Chunk(new { content = "I begin to" }));
        context.Abort();
    });

    /// <summary>The stream ends in order, but before the answer does.</summary>
    public static OpenAiReply Truncated() => new(async context =>
    {
        await BeginAsync(context);
        await SendAsync(context, Chunk(new { content = "I begin to" }));
    });

    /// <summary>Nothing more comes after the first words.</summary>
    public static OpenAiReply Silence() => new(async context =>
    {
        await BeginAsync(context);
        await SendAsync(context, Chunk(new { content = "I think" }));
        await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
    });

    /// <summary>Something that is no endpoint at all.</summary>
    public static OpenAiReply Html() => new(context =>
    {
        context.Response.ContentType = "text/html";
        return context.Response.WriteAsync("<html><body>Welcome to nginx!</body></html>");
    });

    private static async Task StreamAsync(HttpContext context, IEnumerable<object> chunks, string finish, bool usage)
    {
        await BeginAsync(context);
        await SendAsync(context, Chunk(new { role = "assistant", content = "" }));
        foreach (var chunk in chunks)
            await SendAsync(context, chunk);
        await SendAsync(context, Chunk(new { }, finish));
        if (usage)
        {
            await SendAsync(context, new
            {
                id = "chatcmpl-1",
                @object = "chat.completion.chunk",
                created = 1,
                model = OpenAiServer.Model,
                choices = Array.Empty<object>(),
                usage = new { prompt_tokens = 1000, completion_tokens = 100, total_tokens = 1100 },
            });
        }

        await context.Response.WriteAsync("data: [DONE]\n\n");
    }

    private static Task BeginAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        return context.Response.StartAsync();
    }

    private static async Task SendAsync(HttpContext context, object chunk)
    {
        await context.Response.WriteAsync($"data: {JsonSerializer.Serialize(chunk)}\n\n");
        await context.Response.Body.FlushAsync();
    }

    private static object Chunk(object delta, string? finish = null) => new
    {
        id = "chatcmpl-1",
        @object = "chat.completion.chunk",
        created = 1,
        model = OpenAiServer.Model,
        choices = new[] { new { index = 0, delta, finish_reason = finish } },
    };

    private static IEnumerable<object> TextChunks(string text) => Pieces(text).Select(piece => Chunk(new { content = piece }));

    private static IEnumerable<object> CallChunks(IReadOnlyList<(string Name, string Arguments)> calls, bool everyIndexZero)
    {
        for (var i = 0; i < calls.Count; i++)
        {
            var index = everyIndexZero ? 0 : i;
            var id = $"call_{Guid.NewGuid():N}";
            yield return Chunk(new { tool_calls = new[] { new { index, id, type = "function", function = new { name = calls[i].Name, arguments = "" } } } });
            foreach (var piece in Pieces(calls[i].Arguments))
                yield return Chunk(new { tool_calls = new[] { new { index, function = new { arguments = piece } } } });
        }
    }

    private static IEnumerable<string> Pieces(string text)
    {
        for (var at = 0; at < text.Length; at += PieceLength)
            yield return text.Substring(at, Math.Min(PieceLength, text.Length - at));
    }
}
