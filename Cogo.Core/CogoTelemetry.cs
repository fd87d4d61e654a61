using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Cogo.Core;

/// <summary>The activity source and the meter of all of Cogo; both are named <c>Cogo</c>.</summary>
public static class CogoTelemetry
{
    public const string Name = "Cogo";

    public static readonly ActivitySource Source = new(Name);

    public static readonly Meter Meter = new(Name);
}
