using System.Diagnostics.Metrics;
using Cogo.Core;

namespace Cogo.Workers.Codegen;

/// <summary>How long engines work and what they use.</summary>
internal static class CodegenMeter
{
    private static readonly Histogram<double> Duration = CogoTelemetry.Meter.CreateHistogram<double>(
        "cogo.codegen.duration", "s", "Time an engine worked on one attempt");

    private static readonly Counter<long> Tokens = CogoTelemetry.Meter.CreateCounter<long>(
        "cogo.codegen.tokens", "{token}", "Tokens that models used, as their endpoints counted them");

    public static void Count(string engine, EngineResult result, TimeSpan took)
    {
        var word = result switch
        {
            EngineResult.Done => "done",
            EngineResult.TryAgain => "try_again",
            _ => "failed",
        };
        Duration.Record(took.TotalSeconds, new KeyValuePair<string, object?>("engine", engine), new KeyValuePair<string, object?>("outcome", word));
        Add(engine, result.Cost.Model, "input", result.Cost.InputTokens);
        Add(engine, result.Cost.Model, "output", result.Cost.OutputTokens);
    }

    private static void Add(string engine, string? model, string direction, long? tokens)
    {
        if (tokens is > 0)
        {
            Tokens.Add(
                tokens.Value,
                new KeyValuePair<string, object?>("engine", engine),
                new KeyValuePair<string, object?>("model", model),
                new KeyValuePair<string, object?>("direction", direction));
        }
    }
}
