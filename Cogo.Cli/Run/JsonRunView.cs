using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Audit;

namespace Cogo.Cli.Run;

/// <summary>One JSON object a line, for programs; the last has type <c>result</c>.</summary>
internal sealed class JsonRunView(TextWriter output) : IRunView
{
    private readonly Lock _writing = new();
    private bool _ended;

    public static async Task WriteResultAsync(TextWriter output, RunResult result)
    {
        await output.WriteLineAsync(JsonSerializer.Serialize(result, CogoJson.Options));
        await output.FlushAsync();
    }

    public void Note(string sentence) => Write(new { type = "note", message = sentence });

    public void Submitted(RunTicket ticket, RunOptions options, CogoServer server) => Write(new
    {
        type = "submitted",
        trace_id = ticket.TraceId,
        task_id = ticket.TaskId,
        server = server.Address,
        repo = options.Request.Repo,
        engine = options.Request.Engine,
    });

    public void Show(TimelineEntry entry) => Write(new
    {
        type = "event",
        @event = entry.Type,
        id = entry.Id,
        at = entry.At,
        route = entry.Route,
        attempt = entry.Attempt,
        worker = entry.Worker,
        data = entry.Data,
    });

    public Task EndAsync(RunResult result, ReportView? report)
    {
        lock (_writing)
        {
            _ended = true;
        }

        return WriteResultAsync(output, result);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void Write<T>(T line)
    {
        lock (_writing)
        {
            if (!_ended)
            {
                output.WriteLine(JsonSerializer.Serialize(line, CogoJson.Options));
                output.Flush();
            }
        }
    }
}
