using System.CommandLine;
using Cogo.Cli.Run;
using Cogo.Core.Gates;
using Cogo.Core.Metrics;

namespace Cogo.Cli.Gates;

/// <summary><c>cogo ci gate q1</c> and <c>cogo ci gates accept</c>: figures against thresholds, for a CI.</summary>
internal static class CiVerb
{
    private const string ServerVariable = "METRICS_BASE";
    private const string Codes = "Exits 0 pass, 1 fail, 2 could not tell.";

    public static Command Create(Terminal terminal, Surroundings surroundings) => new("ci", "Gates over the figures of a window, for a CI. " + Codes)
    {
        new Command("gate", "One gate.")
        {
            Judge(
                new Command(QualityGate.Q1, "The pass rate of gates. " + Codes), terminal, surroundings,
                (thresholds, figures) => QualityGate.JudgeQ1(thresholds, figures.Window, figures.Gates)),
        },
        new Command("gates", "All gates.")
        {
            Judge(
                new Command("accept", "Failure rate, p90 latency, decision quality and pass rate. " + Codes), terminal, surroundings,
                QualityGate.JudgeAcceptance),
        },
    };

    private static Command Judge(
        Command verb, Terminal terminal, Surroundings surroundings, Func<QualityThresholds, MetricsSummary, GateAnswer> judge)
    {
        var server = new Option<string?>("--server") { Description = $"Ask the Cogo at this address for its figures instead of the database. ({ServerVariable})", HelpName = "URL" };
        var thresholds = new ThresholdOptions();
        var view = new GateView(terminal, surroundings);
        var database = new DatabaseOptions();
        thresholds.AddTo(verb);
        verb.Options.Add(server);
        view.AddTo(verb);
        database.AddTo(verb);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            var (bounds, window) = await thresholds.ReadAsync(parsed, surroundings, cancellationToken);
            if (parsed.GetValue(server) is not null && database.IsGiven(parsed))
            {
                throw new InputException("--server asks a server, and --database, --data and --postgres name a database. Leave out one of them.");
            }

            var address = database.IsGiven(parsed) ? null : parsed.GetValue(server) ?? surroundings.Variable(ServerVariable);
            MetricsSummary figures;
            string asked;
            if (address is not null)
            {
                using var cogo = new CogoServer(ServerAddress.Of(address, parsed.GetValue(server) is null ? ServerVariable : server.Name));
                figures = await cogo.MetricsAsync(window, cancellationToken);
                asked = cogo.Address.ToString();
            }
            else
            {
                await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
                figures = await new MetricsReader(session.Source, surroundings.Time).SummaryAsync(new MetricsScope(window), cancellationToken);
                asked = "the database";
            }

            return await view.ShowAsync(
                parsed, judge(bounds, figures), new Dictionary<string, object?>(StringComparer.Ordinal) { ["asked"] = asked, ["figures"] = figures }, []);
        });
        return verb;
    }
}
