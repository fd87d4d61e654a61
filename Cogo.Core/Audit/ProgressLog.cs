using System.Threading.Channels;
using Cogo.Core.Bus;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Audit;

/// <summary>
/// Audits progress of one attempt in the background and in order, so that whoever reports it never waits for the
/// database. Disposing writes what is left. Progress is for people: what cannot be written is logged and left out.
/// </summary>
public sealed partial class ProgressLog : IAsyncDisposable
{
    private const int Capacity = 1000;

    private readonly IEventLog _events;
    private readonly Delivery _delivery;
    private readonly ILogger _logger;
    private readonly Channel<AuditEvent> _pending = Channel.CreateBounded<AuditEvent>(
        new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest });
    private readonly Task _writing;

    public ProgressLog(IEventLog events, Delivery delivery, ILogger logger)
    {
        (_events, _delivery, _logger) = (events, delivery, logger);
        _writing = WriteAsync();
    }

    /// <summary>Returns at once. When a thousand wait to be written, the oldest is left out.</summary>
    public void Add(string type, object data) => _pending.Writer.TryWrite(new AuditEvent(type, data));

    public async ValueTask DisposeAsync()
    {
        _pending.Writer.TryComplete();
        await _writing;
    }

    private async Task WriteAsync()
    {
        await foreach (var next in _pending.Reader.ReadAllAsync())
        {
            try
            {
                await _events.AppendAsync(_delivery, next, CancellationToken.None);
            }
            catch (NpgsqlException e)
            {
                LogLeftOut(e, next.Type, _delivery.MessageId);
            }
        }
    }

    [LoggerMessage(EventId = 1060, Level = LogLevel.Warning, Message = "A {Type} of message {Message} could not be audited; the work goes on")]
    private partial void LogLeftOut(Exception error, string type, long message);
}
