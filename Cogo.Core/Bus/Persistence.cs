using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>Writes that must not be given up because the database was away for a moment.</summary>
internal static class Persistence
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Repeats the write while the database is away and the session's lease holds. False: the lease was lost first.
    /// </summary>
    public static async Task<bool> UntilLostAsync(
        WorkerSession session, TimeProvider time, Action<Exception> failed, Func<CancellationToken, Task> write)
    {
        var pause = TimeSpan.FromMilliseconds(20);
        while (!session.Lost.IsCancellationRequested)
        {
            try
            {
                await write(session.Lost);
                return true;
            }
            catch (OperationCanceledException) when (session.Lost.IsCancellationRequested)
            {
                return false;
            }
            catch (Exception e) when (IsTransient(e))
            {
                failed(e);
                await Task.Delay(pause, time);
                pause = pause * 2 > LongestPause ? LongestPause : pause * 2;
            }
        }

        return false;
    }

    /// <summary>The database is away, restarting, out of connections or out of room: the same statement may go through later.</summary>
    public static bool IsTransient(Exception error) => error switch
    {
        PostgresException postgres => postgres.IsTransient
            || postgres.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow
                or PostgresErrorCodes.DiskFull or PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.InvalidSqlStatementName,
        NpgsqlException or IOException or TimeoutException => true,
        _ => false,
    };
}
