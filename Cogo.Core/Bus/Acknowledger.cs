using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Cogo.Core.Bus;

/// <summary>
/// Acknowledges finished messages in groups: those that publish and audit nothing share a transaction with what
/// finishes within <see cref="BusOptions.AckDelay"/>. A group that cannot be written is tried again until its
/// lease is lost; the fence makes a repetition harmless.
/// </summary>
internal sealed partial class Acknowledger : IAsyncDisposable
{
    /// <summary>While one group is written the next one gathers: a busy worker commits seldom.</summary>
    private const int GroupsInOne = 4;

    private readonly IBusStore _store;
    private readonly BusOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<Pending> _queue = Channel.CreateUnbounded<Pending>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _loop;

    public Acknowledger(IBusStore store, BusOptions options, BusRuntime runtime, ILogger logger)
    {
        _store = store;
        _options = options;
        _time = runtime.Time;
        _logger = logger;
        _loop = runtime.Run(RunAsync);
    }

    /// <summary>
    /// Calls <paramref name="ended"/> when the acknowledgement is durable, or was fenced off. It runs between the groups:
    /// it must be short and not throw.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The bus is closed.</exception>
    public void Acknowledge(Held held, Action<Held, Ending> ended) =>
        ObjectDisposedException.ThrowIf(!_queue.Writer.TryWrite(new Pending(held, ended)), this);

    /// <summary>Completes when the acknowledgement is durable, or was fenced off.</summary>
    public Task<Ending> AcknowledgeAsync(Held held)
    {
        var done = new TaskCompletionSource<Ending>(TaskCreationOptions.RunContinuationsAsynchronously);
        Acknowledge(held, (_, ending) => done.TrySetResult(ending));
        return done.Task;
    }

    /// <summary>Writes what is queued, then ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop;
    }

    private async Task RunAsync()
    {
        var group = new List<Pending>(_options.BatchSize);
        while (await _queue.Reader.WaitToReadAsync())
        {
            Fill(group);
            if (group.Count < _options.BatchSize && _options.AckDelay > TimeSpan.Zero)
            {
                await Task.Delay(_options.AckDelay, _time);
                Fill(group);
            }

            // Claims in order, and each in its own: two workers then lock in the same order.
            group.Sort(static (one, other) =>
                one.Held.Delivery.Fence != other.Held.Delivery.Fence
                    ? one.Held.Delivery.Fence.CompareTo(other.Held.Delivery.Fence)
                    : one.Held.Place.CompareTo(other.Held.Place));
            foreach (var ofSession in group.GroupBy(static pending => pending.Held.Session))
            {
                await WriteAsync(ofSession.Key, [.. ofSession]);
            }

            group.Clear();
        }
    }

    private void Fill(List<Pending> group)
    {
        while (group.Count < _options.BatchSize * GroupsInOne && _queue.Reader.TryRead(out var pending))
        {
            group.Add(pending);
        }
    }

    private async Task WriteAsync(WorkerSession session, Pending[] group)
    {
        var messages = Array.ConvertAll(group, static pending => (pending.Held.Delivery.Fence, pending.Held.Delivery.MessageId));
        IReadOnlyList<(long Fence, long MessageId)> accepted = [];
        var written = false;
        try
        {
            written = await Persistence.UntilLostAsync(
                session, _time, e => LogTryAgain(e, group.Length), async cancellationToken =>
                {
                    accepted = await _store.FinishAsync(session.Id, messages, cancellationToken);
                });
        }
        catch (Exception e)
        {
            // Trying again cannot mend it (no permission, a missing function), and a session that cannot acknowledge
            // must not keep what it holds. Other sessions' acknowledgements go on.
            LogRefused(e, group.Length, session.Id);
            session.MarkLost();
        }

        var all = written && accepted.Count == messages.Length;
        var some = written && !all ? accepted.ToHashSet() : null;
        for (var i = 0; i < group.Length; i++)
        {
            group[i].Ended(group[i].Held, all || some?.Contains(messages[i]) == true ? Ending.Accepted : Ending.Fenced);
        }
    }

    [LoggerMessage(EventId = 1020, Level = LogLevel.Warning, Message = "{Messages} acknowledgements could not be written; trying again while the lease holds")]
    private partial void LogTryAgain(Exception error, int messages);

    [LoggerMessage(EventId = 1021, Level = LogLevel.Error, Message = "{Messages} acknowledgements were refused; session {Session} is given up, and its lease brings back what it holds")]
    private partial void LogRefused(Exception error, int messages, long session);

    private readonly record struct Pending(Held Held, Action<Held, Ending> Ended);
}
