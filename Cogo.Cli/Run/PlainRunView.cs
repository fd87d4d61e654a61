using Cogo.Core.Audit;
using Spectre.Console;

namespace Cogo.Cli.Run;

/// <summary>A line an event, for logs and pipes.</summary>
internal sealed class PlainRunView(IAnsiConsole console) : IRunView
{
    private readonly Lock _writing = new();
    private DateTimeOffset? _start;
    private bool _ended;

    public void Note(string sentence) => Write(Terminal.Clean(sentence));

    public void Submitted(RunTicket ticket, RunOptions options, CogoServer server) =>
        Write($"Task {ticket.TaskId} is on the bus, trace {ticket.TraceId}.");

    public void Show(TimelineEntry entry)
    {
        _start ??= entry.At;
        Write($"{Durations.Show(entry.At - _start.Value),9}  {Terminal.Clean(entry.Type),-18} {EventText.Of(entry)}".TrimEnd());
    }

    public Task EndAsync(RunResult result, ReportView? report)
    {
        lock (_writing)
        {
            _ended = true;
            VerdictText.Write(console, result, report);
        }

        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void Write(string line)
    {
        lock (_writing)
        {
            if (!_ended)
            {
                console.WriteLine(line);
            }
        }
    }
}
