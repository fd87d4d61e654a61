using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Simulation;

/// <summary>
/// The model and the database are told the same things and must answer the same, so that what the simulation proves
/// of the one holds for the other. Backoff is random: what waits is made ready at once in both.
/// </summary>
public class ModelTests
{
    public static TheoryData<int, int> Histories
    {
        get
        {
            var histories = new TheoryData<int, int>();
            for (var seed = 0; seed < 4; seed++)
            {
                histories.Add(15, seed);
                histories.Add(18, seed);
            }

            return histories;
        }
    }

    [Theory]
    [MemberData(nameof(Histories))]
    public async Task The_model_answers_as_postgres_does(int postgres, int seed)
    {
        await using var database = await PostgresServers.CreateDatabaseAsync(postgres);
        var pair = new StorePair(database, seed);
        for (var step = 0; step < 200; step++)
        {
            await pair.StepAsync();
        }

        await pair.CommitAsync();
        await pair.CompareAsync();
        Assert.True(
            pair.Claimed > 20 && pair.Refused > 5 && pair.Late > 0 && pair.Paused > 0,
            $"The history did too little: {pair.Claimed} claimed, {pair.Refused} refused, {pair.Late} committed late, {pair.Paused} claims on a paused queue.");
    }
}
