using Npgsql;

namespace Cogo.Tests.Chaos;

/// <summary>
/// A worker of the chaos suite that knows of Cogo only what docs/jobs.md tells other languages: it claims, renews and ends
/// jobs by SQL functions. It does not stop when its lease is lost, and so tries to finish what is another's by then.
/// </summary>
internal static class SqlChaosWorker
{
    public const string Program = "sql-chaos-worker";
    public const string Database = "COGO_CHAOS_DATABASE";

    /// <summary>How the names of these workers begin.</summary>
    public const string WorkerPrefix = "sql-";

    private const int AtOnce = 2;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Renewal = TimeSpan.FromMilliseconds(500);

    private enum Wish
    {
        GoOn,
        Cancel,
        Lost,
    }

    /// <summary>Works until standard input ends; hands back what it is at then.</summary>
    public static async Task<int> RunAsync()
    {
        await using var database = NpgsqlDataSource.Create(Environment.GetEnvironmentVariable(Database)!);
        using var stop = new CancellationTokenSource();
        var working = Enumerable.Range(1, AtOnce).Select(place => WorkAsync(database, $"{WorkerPrefix}{Environment.ProcessId}-{place}", stop.Token)).ToList();
        Console.WriteLine("ready");
        await Console.In.ReadToEndAsync();
        await stop.CancelAsync();
        await Task.WhenAll(working);
        return 0;
    }

    private static async Task WorkAsync(NpgsqlDataSource database, string worker, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (await ClaimAsync(database, worker) is { } job)
                {
                    await RunAsync(database, job, stop);
                }
                else
                {
                    await Task.Delay(Pause, CancellationToken.None);
                }
            }
            catch (Exception e) when (IsFault(e))
            {
                // A fault of the suite's making. What was claimed meanwhile, if anything, comes back with its lease.
                await Task.Delay(Pause, CancellationToken.None);
            }
        }
    }

    private static async Task<Job?> ClaimAsync(NpgsqlDataSource database, string worker)
    {
        await using var claim = database.CreateCommand(
            $"select id, fence, type, attempt from claim_one_job($1, types => '{{{JobWorkload.Work},{JobWorkload.Wait},{ChaosSteps.Poison}}}', lease => '3 seconds')");
        claim.Parameters.Add(new NpgsqlParameter<string> { TypedValue = worker });
        await using var reader = await claim.ExecuteReaderAsync();
        return await reader.ReadAsync() ? new Job(reader.GetInt64(0), reader.GetInt64(1), reader.GetString(2), reader.GetInt32(3)) : null;
    }

    private static async Task RunAsync(NpgsqlDataSource database, Job job, CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var renewing = RenewAsync(database, job, over.Token);
        try
        {
            var end = job.Type == JobWorkload.Wait ? await WaitAsync(database, job, renewing, stop) : await StepAsync(database, job, stop);
            if (end is not null)
            {
                await EndAsync(database, job, end, stop);
            }
        }
        finally
        {
            await over.CancelAsync();
            await renewing;
        }
    }

    /// <summary>The call that ends the attempt.</summary>
    private static async Task<string> StepAsync(NpgsqlDataSource database, Job job, CancellationToken stop)
    {
        try
        {
            if (job.Type == ChaosSteps.Poison)
            {
                await ChaosSteps.FailAsync(database, job.Id, job.Fence, job.Attempt, CancellationToken.None);
            }

            return await ChaosSteps.TakeAsync(job.Id, job.Fence, job.Attempt, stop) switch
            {
                ChaosStep.Retry when job.Attempt % 2 == 0 => "snooze_job($1, $2, '50 milliseconds')",
                ChaosStep.Retry => "fail_job($1, $2, 'Not yet.', delay => '50 milliseconds')",
                ChaosStep.GiveUp => "fail_job($1, $2, 'No good.', retry => false, code => 'no_good')",
                ChaosStep.Finish => "complete_job($1, $2)",
                _ => """complete_job($1, $2, '{"by": "sql"}')""",
            };
        }
        catch (InvalidOperationException)
        {
            return "fail_job($1, $2, 'A bug.')";
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return "snooze_job($1, $2, '0 seconds')";
        }
    }

    /// <summary>Until somebody cancels the job. Null: it is another's by now.</summary>
    private static async Task<string?> WaitAsync(NpgsqlDataSource database, Job job, Task<Wish> renewing, CancellationToken stop)
    {
        var wish = await renewing;
        if (stop.IsCancellationRequested)
        {
            return "snooze_job($1, $2, '0 seconds')";
        }

        if (wish != Wish.Cancel)
        {
            return null;
        }

        await using var insert = database.CreateCommand("insert into reached (job_id, fence) values ($1, $2)");
        insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = job.Id });
        insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = job.Fence });
        await insert.ExecuteNonQueryAsync(CancellationToken.None);
        return "fail_job($1, $2, 'Cancelled.', retry => false)";
    }

    /// <summary>Renews until told that it is over, or until the database says something.</summary>
    private static async Task<Wish> RenewAsync(NpgsqlDataSource database, Job job, CancellationToken over)
    {
        while (true)
        {
            try
            {
                await Task.Delay(Renewal, over);
                await using var renew = database.CreateCommand("select held, cancel from renew_job($1, $2, '3 seconds')");
                renew.Parameters.Add(new NpgsqlParameter<long> { TypedValue = job.Id });
                renew.Parameters.Add(new NpgsqlParameter<long> { TypedValue = job.Fence });
                await using var reader = await renew.ExecuteReaderAsync(over);
                await reader.ReadAsync(over);
                if (!reader.GetBoolean(0) || reader.GetBoolean(1))
                {
                    return reader.GetBoolean(0) ? Wish.Cancel : Wish.Lost;
                }
            }
            catch (OperationCanceledException) when (over.IsCancellationRequested)
            {
                return Wish.GoOn;
            }
            catch (Exception e) when (IsFault(e))
            {
                // Renewed in time the next time, or not.
            }
        }
    }

    /// <summary>Calls until the database has answered: repeating is harmless, the fence sees to it.</summary>
    private static async Task EndAsync(NpgsqlDataSource database, Job job, string call, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                await using var end = database.CreateCommand($"select {call}");
                end.Parameters.Add(new NpgsqlParameter<long> { TypedValue = job.Id });
                end.Parameters.Add(new NpgsqlParameter<long> { TypedValue = job.Fence });
                await end.ExecuteScalarAsync(CancellationToken.None);
                return;
            }
            catch (Exception e) when (IsFault(e) && !stop.IsCancellationRequested)
            {
                await Task.Delay(Pause, CancellationToken.None);
            }
        }
    }

    private static bool IsFault(Exception e) => e is NpgsqlException or IOException or TimeoutException;

    private sealed record Job(long Id, long Fence, string Type, int Attempt);
}
