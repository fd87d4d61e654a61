using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>
/// Wakes subscribers after a commit: those of this process at once, those of others by NOTIFY. NOTIFY takes a
/// lock that serialises commits, so it is sent from one connection, at most once a <see cref="BusOptions.BellInterval"/>,
/// with all lanes that rang in between. A ring that is lost costs one polling interval, never a message.
/// </summary>
internal sealed partial class Bell : IAsyncDisposable
{
    /// <summary>The NOTIFY channel; the payload is a lane, or <c>*</c> for all.</summary>
    public const string Channel = "cogo_bus";

    private readonly NpgsqlDataSource _database;
    private readonly BusOptions _options;
    private readonly WakeUp _wakeUp;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<long> _rings = System.Threading.Channels.Channel.CreateBounded<long>(
        new BoundedChannelOptions(4096) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public Bell(NpgsqlDataSource database, BusOptions options, WakeUp wakeUp, TimeProvider time, ILogger logger)
    {
        _database = database;
        _options = options;
        _wakeUp = wakeUp;
        _time = time;
        _logger = logger;
        _loop = Task.Run(RunAsync);
    }

    public void Ring(IEnumerable<long> lanes)
    {
        foreach (var lane in lanes)
        {
            _wakeUp.Signal(lane);
            _rings.Writer.TryWrite(lane);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _rings.Writer.TryComplete();
        // What rang last is still sent, within a moment.
        await Task.WhenAny(_loop, Task.Delay(TimeSpan.FromSeconds(1), _time));
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        NpgsqlConnection? connection = null;
        try
        {
            var lanes = new HashSet<long>();
            while (await _rings.Reader.WaitToReadAsync(_stop.Token))
            {
                while (_rings.Reader.TryRead(out var lane))
                {
                    lanes.Add(lane);
                }

                try
                {
                    connection ??= await _database.OpenConnectionAsync(_stop.Token);
                    await using var notify = new NpgsqlCommand("select pg_notify($1, lane::text) from unnest($2::bigint[]) lane", connection);
                    notify.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Channel });
                    notify.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. lanes] });
                    await notify.ExecuteNonQueryAsync(_stop.Token);
                }
                catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
                {
                    LogNotSent(e, lanes.Count);
                    if (connection is not null)
                    {
                        await connection.DisposeAsync();
                        connection = null;
                    }
                }

                lanes.Clear();
                await Task.Delay(_options.BellInterval, _time, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopping: subscribers elsewhere find the rest by polling.
        }
        finally
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }
        }
    }

    [LoggerMessage(EventId = 1001, Level = LogLevel.Warning, Message = "A wake-up for {Lanes} routes was not sent; their subscribers find the messages by polling")]
    private partial void LogNotSent(Exception error, int lanes);
}
