using System.Text;
using System.Text.Json;
using OpenAI.Chat;

namespace Cogo.Workers.Codegen.OpenAi;

/// <summary>One answer of the model, put together from its stream.</summary>
internal sealed record ChatTurn(string Text, IReadOnlyList<ChatToolCall> Calls, ChatFinishReason Finish, ChatTokenUsage? Usage)
{
    /// <summary>Asks, and tells the words line by line as they come.</summary>
    /// <exception cref="TruncatedAnswerException">The stream ended before the answer did.</exception>
    public static async Task<ChatTurn> AskAsync(
        ChatClient client, IReadOnlyList<ChatMessage> messages, Action<string> onLine, CancellationToken cancellationToken)
    {
        var options = new ChatCompletionOptions();
        foreach (var tool in ToolCatalog.Tools)
            options.Tools.Add(tool);

        var text = new StringBuilder();
        var lines = new LineSplitter(onLine);
        var calls = new List<PartialCall>();
        ChatFinishReason? finish = null;
        ChatTokenUsage? usage = null;
        await foreach (var update in client.CompleteChatStreamingAsync(messages, options, cancellationToken))
        {
            foreach (var part in update.ContentUpdate)
            {
                text.Append(part.Text);
                lines.Add(part.Text);
            }

            if (update.RefusalUpdate is { Length: > 0 } refusal)
            {
                text.Append(refusal);
                lines.Add(refusal);
            }

            foreach (var part in update.ToolCallUpdates)
                PartialCall.Merge(calls, part);
            finish = update.FinishReason ?? finish;
            usage = update.Usage ?? usage;
        }

        lines.End();
        return finish is { } reason
            ? new ChatTurn(text.ToString(), [.. calls.Select((call, i) => call.Complete(i))], reason, usage)
            : throw new TruncatedAnswerException();
    }

    /// <summary>The answer as the next request repeats it.</summary>
    public AssistantChatMessage ToMessage()
    {
        // Endpoints refuse a message without content and calls.
        if (Calls.Count == 0)
            return new AssistantChatMessage(Text.Length > 0 ? Text : "(no answer)");

        var message = new AssistantChatMessage(Calls.Select(Repeatable));
        if (Text.Length > 0)
            message.Content.Add(ChatMessageContentPart.CreateTextPart(Text));
        return message;
    }

    /// <summary>Some endpoints parse the arguments of earlier calls and fail on those that are not JSON.</summary>
    private static ChatToolCall Repeatable(ChatToolCall call)
    {
        try
        {
            using var parsed = JsonDocument.Parse(call.FunctionArguments);
            return call;
        }
        catch (JsonException)
        {
            return ChatToolCall.CreateFunctionToolCall(call.Id, call.FunctionName, BinaryData.FromString("{}"));
        }
    }

    /// <summary>A tool call whose pieces are still coming.</summary>
    private sealed class PartialCall(int index)
    {
        private readonly StringBuilder _arguments = new();
        private string? _id;
        private string? _name;

        public static void Merge(List<PartialCall> calls, StreamingChatToolCallUpdate part)
        {
            // Some endpoints number every call 0, but give each an id of its own.
            var call = calls.FindLast(known => known.Index == part.Index);
            if (call is null || (part.ToolCallId is { Length: > 0 } id && call._id is { Length: > 0 } && call._id != id))
                calls.Add(call = new PartialCall(part.Index));

            if (part.ToolCallId is { Length: > 0 } given)
                call._id = given;
            if (part.FunctionName is { Length: > 0 } name)
                call._name = name;
            if (part.FunctionArgumentsUpdate is { } arguments && !arguments.ToMemory().IsEmpty)
                call._arguments.Append(arguments.ToString());
        }

        public ChatToolCall Complete(int position) => ChatToolCall.CreateFunctionToolCall(
            _id ?? $"call_{position}", _name ?? "unnamed", BinaryData.FromString(_arguments.Length > 0 ? _arguments.ToString() : "{}"));

        private int Index { get; } = index;
    }

    private sealed class LineSplitter(Action<string> onLine)
    {
        private const int Longest = 160;

        private readonly StringBuilder _line = new();

        public void Add(string? text)
        {
            foreach (var c in text ?? "")
            {
                if (c != '\n')
                    _line.Append(c);
                if (c == '\n' || (_line.Length >= Longest && c == ' '))
                    End();
            }
        }

        public void End()
        {
            if (_line.Length > 0)
                onLine(_line.ToString());
            _line.Clear();
        }
    }
}

/// <summary>The connection ended well in the middle of an answer.</summary>
internal sealed class TruncatedAnswerException() : Exception("The stream ended before the answer did.");
