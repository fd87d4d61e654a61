using System.Text;
using System.Text.Json;
using Cogo.Core;
using Microsoft.Playwright;

namespace Cogo.Workers.Jobs.Browser;

/// <summary>What pages print, throw and fail to load, as JSON lines.</summary>
internal sealed class ConsoleLog(TimeProvider time)
{
    private const int LimitCharacters = 2 * 1024 * 1024;
    private const int LineCharacters = 8 * 1024;

    private readonly Lock _gate = new();
    private readonly StringBuilder _lines = new();
    private bool _full;

    /// <summary>Messages of level error and uncaught exceptions.</summary>
    public int Errors { get; private set; }

    public void Watch(IBrowserContext context)
    {
        context.Console += (_, message) => Add(message.Type, message.Text, message.Location);
        context.WebError += (_, error) => Add("exception", error.Error, null);
        context.RequestFailed += (_, request) => Add("request_failed", $"{request.Method} {WebAddress.Shown(request.Url)}: {request.Failure}", null);
    }

    public byte[] ToBytes()
    {
        lock (_gate)
            return Encoding.UTF8.GetBytes(_lines.ToString());
    }

    private void Add(string type, string text, string? location)
    {
        var line = new Line(time.GetUtcNow(), type, text.Length <= LineCharacters ? text : text[..LineCharacters] + "…", location is { Length: > 0 } ? location : null);
        lock (_gate)
        {
            if (type is "error" or "exception")
                Errors++;
            if (_full)
                return;
            _full = _lines.Length > LimitCharacters;
            if (_full)
                line = line with { Type = "cut", Text = $"The log is cut here at {LimitCharacters} characters.", Location = null };
            _lines.Append(JsonSerializer.Serialize(line, CogoJson.Options)).Append('\n');
        }
    }

    private sealed record Line(DateTimeOffset Time, string Type, string Text, string? Location);
}
