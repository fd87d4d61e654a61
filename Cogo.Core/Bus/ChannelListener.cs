using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>
/// Listens on a channel of the database for as long as it lives. A connection can go deaf without an error (a half-open
/// socket, a pooler): so it is asked every few seconds whether it still listens, and every (re)connect is told, since what
/// was said before it was not heard.
/// </summary>
internal sealed partial class ChannelListener : IAsyncDisposable
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private readonly NpgsqlDataSource _database;
    private readonly BusOptions _options;
    private readonly string _channel;
    private readonly Action<string> _heard;
    private readonly Action _connected;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    /// <param name="channel">Ours, as it stands in SQL.</param>
    /// <param name="heard">Takes each payload, on the listener's thread.</param>
    /// <param name="connected">Called each time it begins to listen.</param>
    public ChannelListener(
        NpgsqlDataSource database, BusOptions options, string channel, Action<string> heard, Action connected, TimeProvider time, ILogger logger)
    {
        _database = database;
        _options = options;
        _channel = channel;
        _heard = heard;
        _connected = connected;
        _time = time;
        _logger = logger;
        _loop = options.Listen ? Task.Run(RunAsync) : Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var pause = TimeSpan.FromMilliseconds(200);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(() => pause = TimeSpan.FromMilliseconds(200));
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException or OperationCanceledException)
            {
                LogDeaf(e, _channel, pause);
                await Task.Delay(pause, _time, CancellationToken.None);
                pause = pause * 2 > LongestPause ? LongestPause : pause * 2;
            }
        }
    }

    private async Task ListenAsync(Action connected)
    {
        await using var connection = await OpenAsync();
        connection.Notification += (_, bell) => _heard(bell.Payload);
        await using (var listen = new NpgsqlCommand($"LISTEN {_channel}", connection))
        {
            await listen.ExecuteNonQueryAsync(_stop.Token);
        }

        connected();
        _connected();
        while (true)
        {
            // False after the interval without a bell: make sure that the silence is real.
            if (!await connection.WaitAsync(CheckInterval, _stop.Token) && !await StillListensAsync(connection))
            {
                throw new NpgsqlException("The connection no longer listens; a pooler may have handed it on.");
            }
        }
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        if (_options.ListenConnectionString is null)
        {
            return await _database.OpenConnectionAsync(_stop.Token);
        }

        var connection = new NpgsqlConnection(_options.ListenConnectionString);
        try
        {
            await connection.OpenAsync(_stop.Token);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async Task<bool> StillListensAsync(NpgsqlConnection connection)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(TimeSpan.FromSeconds(5));
        await using var ask = new NpgsqlCommand("select exists (select 1 from pg_listening_channels() c where c = $1)", connection);
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _channel });
        return await ask.ExecuteScalarAsync(limit.Token) is true;
    }

    [LoggerMessage(EventId = 1002, Level = LogLevel.Warning, Message = "Wake-ups on {Channel} from the database stopped; polling goes on, listening again in {Pause}")]
    private partial void LogDeaf(Exception error, string channel, TimeSpan pause);
}
