using Npgsql;

namespace Cogo.Tests.Chaos;

/// <summary>What an attempt comes to: the same lots for messages and jobs, drawn for each claim anew.</summary>
internal enum ChaosStep
{
    /// <summary>Ends with nothing written beside its acknowledgement.</summary>
    Finish,

    /// <summary>Ends with a row in the ledger.</summary>
    FinishWithLedger,

    Retry,

    /// <summary>Given up by its handler.</summary>
    GiveUp,
}

internal static class ChaosSteps
{
    /// <summary>Work that always fails.</summary>
    public const string Poison = "chaos.poison";

    public const int PoisonAttempts = 3;

    /// <summary>Every fourth is finished without a row in the ledger.</summary>
    public static bool IsLedgered(long id) => id % 4 != 0;

    /// <summary>Works a moment; every hundredth attempt outlives the lease, which must be renewed meanwhile.</summary>
    /// <exception cref="InvalidOperationException">A bug, now and then.</exception>
    public static async Task<ChaosStep> TakeAsync(long id, long fence, int attempt, CancellationToken cancellationToken)
    {
        var random = new Random(HashCode.Combine(id, fence));
        await Task.Delay(random.Next(100) == 0 ? random.Next(1000, 5000) : random.Next(20), cancellationToken);
        return random.Next(20) switch
        {
            0 => throw new InvalidOperationException("A bug."),
            1 => ChaosStep.Retry,
            2 when attempt == 1 => ChaosStep.GiveUp,
            _ => IsLedgered(id) ? ChaosStep.FinishWithLedger : ChaosStep.Finish,
        };
    }

    /// <summary>Writes down that an attempt began, and fails.</summary>
    public static async Task FailAsync(NpgsqlDataSource database, long id, long fence, int attempt, CancellationToken cancellationToken)
    {
        await using var insert = database.CreateCommand("insert into starts (message_id, fence, attempt) values ($1, $2, $3)");
        insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
        insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = fence });
        insert.Parameters.Add(new NpgsqlParameter<int> { TypedValue = attempt });
        await insert.ExecuteNonQueryAsync(cancellationToken);
        throw new InvalidOperationException("It never works.");
    }
}
