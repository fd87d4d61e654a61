using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>
/// Listens for other processes' bells. A connection can go deaf without an error (a half-open socket, a pooler):
/// so it is asked every few seconds whether it still listens, and every (re)connect counts as a ring for all.
/// </summary>
internal sealed partial class BellListener : IAsyncDisposable
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private readonly NpgsqlDataSource _database;
    private readonly BusOptions _options;
    private readonly WakeUp _wakeUp;
    private readonly string? _origin;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    /// <param name="origin">Bells signed with it are ours, and heard already.</param>
    public BellListener(NpgsqlDataSource database, BusOptions options, WakeUp wakeUp, string? origin, TimeProvider time, ILogger logger)
    {
        _origin = origin;
        _database = database;
        _options = options;
        _wakeUp = wakeUp;
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
                LogDeaf(e, pause);
                await Task.Delay(pause, _time, CancellationToken.None);
                pause = pause * 2 > LongestPause ? LongestPause : pause * 2;
            }
        }
    }

    private async Task ListenAsync(Action connected)
    {
        await using var connection = await OpenAsync();
        connection.Notification += (_, bell) => Heard(bell.Payload);
        await using (var listen = new NpgsqlCommand($"LISTEN {Bell.Channel}", connection))
        {
            await listen.ExecuteNonQueryAsync(_stop.Token);
        }

        connected();
        _wakeUp.SignalAll();
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
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Bell.Channel });
        return await ask.ExecuteScalarAsync(limit.Token) is true;
    }

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

    [LoggerMessage(EventId = 1002, Level = LogLevel.Warning, Message = "Wake-ups from the database stopped; polling goes on, listening again in {Pause}")]
    private partial void LogDeaf(Exception error, TimeSpan pause);
}
