using System.CommandLine;
using Cogo.Core.Database;
using Cogo.Core.Database.Embedded;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Cli;

/// <summary><c>cogo migrate</c>: the schema of <c>ConnectionStrings__cogo</c>, or of the embedded Postgres.</summary>
internal static class MigrateVerb
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public static Command Create(Terminal terminal, Surroundings surroundings)
    {
        var list = new Option<bool>("--list") { Description = "Show which migrations are applied and which are pending, and change nothing." };
        var wait = new Option<int?>("--wait")
        {
            Description = "Change nothing; wait at most so long until somebody else has brought the schema up to date.",
            HelpName = "SECONDS",
        };
        wait.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1 or > 86_400)
            {
                result.AddError("--wait is a number of seconds from 1 to 86400.");
            }
        });
        var verb = new Command("migrate", "Bring the schema of the database up to date.") { list, wait };
        var database = new DatabaseOptions();
        database.AddTo(verb);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            var options = database.Read(parsed, surroundings);
            if (parsed.GetValue(wait) is { } seconds)
            {
                await WaitAsync(options, TimeSpan.FromSeconds(seconds), surroundings, terminal, cancellationToken);
                return ExitCodes.Passed;
            }

            await using var embedded = options.ConnectionString is null
                ? await EmbeddedPostgres.StartAsync(options.Postgres, NullLogger.Instance, cancellationToken)
                : null;
            await using var source = NpgsqlDataSource.Create(options.ConnectionString ?? embedded!.ConnectionString);
            if (parsed.GetValue(list))
            {
                await ListAsync(source, terminal, cancellationToken);
            }
            else
            {
                await ApplyAsync(source, terminal, cancellationToken);
            }

            return ExitCodes.Passed;
        });
        return verb;
    }

    private static async Task ApplyAsync(NpgsqlDataSource source, Terminal terminal, CancellationToken cancellationToken)
    {
        var applied = await new Migrator(source, NullLogger.Instance).MigrateAsync(cancellationToken);
        foreach (var script in applied)
        {
            await terminal.Out.WriteLineAsync($"applied {script.FileName}");
        }

        if (applied.Count == 0)
        {
            await terminal.Out.WriteLineAsync("The schema is up to date.");
        }
    }

    private static async Task WaitAsync(CogoSystemOptions options, TimeSpan longest, Surroundings surroundings, Terminal terminal, CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create(options.ConnectionString
            ?? throw new InputException("--wait is for a database that others use, too: set ConnectionStrings__cogo."));
        var started = surroundings.Time.GetTimestamp();
        while (await MissingAsync(source, cancellationToken) is { } missing)
        {
            if (surroundings.Time.GetElapsedTime(started) >= longest)
            {
                throw new MigrationException($"The schema is not up to date after {longest.TotalSeconds:0} s: {missing} Run `cogo migrate`.");
            }

            await Task.Delay(Pause, surroundings.Time, cancellationToken);
        }

        await terminal.Out.WriteLineAsync("The schema is up to date.");
    }

    /// <summary>What is missing, as a sentence; null when nothing is.</summary>
    private static async Task<string?> MissingAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        try
        {
            var applied = await new MigrationRecord(source).ReadAsync(cancellationToken);
            return MigrationScript.Embedded.FirstOrDefault(script => !applied.ContainsKey(script.Version)) is { } pending ? $"{pending.FileName} is pending." : null;
        }
        catch (NpgsqlException e) when (!DatabaseProblem.IsOfTheSettings(e))
        {
            return DatabaseProblem.Of(e);
        }
    }

    private static async Task ListAsync(NpgsqlDataSource source, Terminal terminal, CancellationToken cancellationToken)
    {
        var applied = await new MigrationRecord(source).ReadAsync(cancellationToken);
        foreach (var script in MigrationScript.Embedded)
        {
            var state = applied.TryGetValue(script.Version, out var at) ? $"applied {at.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z" : "pending";
            await terminal.Out.WriteLineAsync($"{script.FileName,-40} {state}");
        }
    }
}
