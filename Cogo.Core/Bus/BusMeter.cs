using System.Diagnostics.Metrics;

namespace Cogo.Core.Bus;

/// <summary>Counters of the bus, by route and outcome.</summary>
internal static class BusMeter
{
    private static readonly Counter<long> Handled = CogoTelemetry.Meter.CreateCounter<long>(
        "cogo.bus.handled", "{message}", "Attempts that ended, by outcome");

    public static void Count(Route route, Outcome outcome, Ending ending)
    {
        if (!Handled.Enabled)
        {
            return;
        }

        var word = (outcome, ending) switch
        {
            (_, Ending.Fenced) => "fenced",
            (_, Ending.DeadLettered) => "dead_lettered",
            (Outcome.Retry, _) => "retried",
            _ => "done",
        };
        Handled.Add(1, new KeyValuePair<string, object?>("route", route.ToString()), new KeyValuePair<string, object?>("outcome", word));
    }
}
