using System.Threading.Channels;
using Cogo.Core.Audit;
using Npgsql;

namespace Cogo.Workers.Codegen;

/// <summary>
/// Turns an engine's many lines into few <c>codegen_progress</c> events: the first at once, then one an interval with
/// the newest lines since. Disposing writes what is left, so progress never follows the attempt's end.
/// </summary>
internal sealed partial class ProgressFeed : IAsyncDisposable
{
    private const int LinesAnEvent = 5;
    private const int LineLength = 200;

    private readonly Delivery _delivery;
    private readonly string _taskId;
    private readonly IEventLog _events;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationToken _cancelled;
    private readonly Task _loop;

    // The newest lines are worth most.
    private readonly Channel<string> _lines = Channel.CreateBounded<string>(
        new BoundedChannelOptions(LinesAnEvent) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    public ProgressFeed(Delivery delivery, string taskId, IEventLog events, TimeSpan interval, TimeProvider time, ILogger logger, CancellationToken cancelled)
    {
        _delivery = delivery;
        _taskId = taskId;
        _events = events;
        _interval = interval;
        _time = time;
        _logger = logger;
        _cancelled = cancelled;
        _loop = Task.Run(RunAsync, CancellationToken.None);
    }

    public void Add(string line)
    {
        var text = line.ReplaceLineEndings(" ").Trim();
        if (text.Length > 0)
            _lines.Writer.TryWrite(text.Length <= LineLength ? text : string.Concat(text.AsSpan(0, LineLength), "…"));
    }

    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        await _closing.CancelAsync();
        await _loop;
        _closing.Dispose();
    }

    private async Task RunAsync()
    {
        while (await _lines.Reader.WaitToReadAsync(CancellationToken.None))
        {
            var batch = new List<string>(LinesAnEvent);
            while (batch.Count < LinesAnEvent && _lines.Reader.TryRead(out var line))
                batch.Add(line);
            await AppendAsync(string.Join('\n', batch));
            try
            {
                await Task.Delay(_interval, _time, _closing.Token);
            }
            catch (OperationCanceledException)
            {
                // Closing: the last lines go out without waiting.
            }
        }
    }

    private async Task AppendAsync(string text)
    {
        try
        {
            await _events.AppendAsync(_delivery, new AuditEvent(EventTypes.CodegenProgress, new { task_id = _taskId, text }), _cancelled);
        }
        catch (OperationCanceledException) when (_cancelled.IsCancellationRequested)
        {
            // The attempt is over; nobody waits for its progress.
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
        {
            LogNotAppended(e, _taskId);
        }
    }

    [LoggerMessage(3101, LogLevel.Warning, "Progress of task {Task} could not be written; the work goes on")]
    private partial void LogNotAppended(Exception error, string task);
}
