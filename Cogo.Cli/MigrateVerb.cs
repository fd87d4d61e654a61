using System.CommandLine;
using Cogo.Core.Database;
using Cogo.Core.Database.Embedded;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Cli;

/// <summary><c>cogo migrate</c>: the schema of <c>ConnectionStrings__cogo</c>, or of the embedded Postgres.</summary>
internal static class MigrateVerb
{
    public static Command Create(Terminal terminal, Surroundings surroundings)
    {
        var list = new Option<bool>("--list") { Description = "Show which migrations are applied and which are pending, and change nothing." };
        var verb = new Command("migrate", "Bring the schema of the database up to date.") { list };
        var database = new DatabaseOptions();
        database.AddTo(verb);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            var options = database.Read(parsed, surroundings);
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
