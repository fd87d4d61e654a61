using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>Listens for other processes' bells. Every (re)connect counts as a ring for all.</summary>
internal sealed class BellListener : IAsyncDisposable
{
    private readonly WakeUp _wakeUp;
    private readonly string? _origin;
    private readonly ChannelListener _listener;

    /// <param name="origin">Bells signed with it are ours, and heard already.</param>
    public BellListener(NpgsqlDataSource database, BusOptions options, WakeUp wakeUp, string? origin, TimeProvider time, ILogger logger)
    {
        _origin = origin;
        _wakeUp = wakeUp;
        _listener = new ChannelListener(database, options, Bell.Channel, Heard, wakeUp.SignalAll, time, logger);
    }

    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    private void Heard(string payload)
    {
        var signature = payload.IndexOf('@', StringComparison.Ordinal);
        if (signature >= 0 && payload.AsSpan(signature + 1).SequenceEqual(_origin))
        {
            return;
        }

        if (long.TryParse(signature < 0 ? payload : payload.AsSpan(0, signature), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var lane))
        {
            _wakeUp.Signal(lane);
        }
        else
        {
            _wakeUp.SignalAll();
        }
    }
}
