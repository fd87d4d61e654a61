using System.CommandLine;
using Cogo.Core.Database;

namespace Cogo.Cli.Jobs;

/// <summary><c>cogo recover leases</c>: takes back what dead workers hold. Living workers do so by themselves.</summary>
internal static class RecoverVerb
{
    public static Command Create(Terminal terminal, Surroundings surroundings)
    {
        var dryRun = VerbOptions.Flag("--dry-run", "DRY_RUN", "Only show expired leases. Default: false.");
        var json = VerbOptions.Json();
        var database = new DatabaseOptions();
        var leases = new Command("leases", "End the sessions whose lease ran out; what they held is delivered again.") { dryRun, json };
        database.AddTo(leases);
        leases.SetAction(async (parsed, cancellationToken) =>
        {
            var dry = parsed.Read(dryRun, "DRY_RUN", otherwise: false, surroundings);
            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            await using var recover = session.Source.CreateCommand(SqlQuery.Load(dry ? "expired_leases" : "recover_leases"));
            var rows = await new RowView(terminal, parsed.GetValue(json), surroundings.Time)
                .ShowAsync(recover, ["worker_id", "session_id", "pid", "seen_at", "lease_until"], "No lease has run out.", cancellationToken);
            await Summary.WriteAsync(terminal, parsed.GetValue(json), rows, dry, "session", "ended", cancellationToken);
            return ExitCodes.Passed;
        });
        return new Command("recover", "Recover what dead workers hold.") { leases };
    }
}
