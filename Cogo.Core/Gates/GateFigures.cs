using System.Text.Json;

namespace Cogo.Core.Gates;

/// <summary>How often a gate passed and failed, by its last word on each trace.</summary>
/// <param name="Gate">Its name; <c>build-test</c> for the verdict of build/test; null: all gates together.</param>
/// <param name="PassRate">Null: it said nothing.</param>
public sealed record GateCount(string? Gate, long Passed, long Failed, double? PassRate);

/// <summary>All gates of a window.</summary>
public sealed record GateCounts(string Window, DateTimeOffset Since, DateTimeOffset Until, GateCount All, IReadOnlyList<GateCount> Gates);

/// <summary>A <c>gate_fix</c>: what had failed a gate was repaired.</summary>
/// <param name="EventId">Of the row of <c>bus_events</c>.</param>
/// <param name="Lint">What the linters said, as artifacts.</param>
/// <param name="Coverage">Coverage reports, as artifacts.</param>
/// <param name="Data">The event's own.</param>
public sealed record GateFix(
    DateTimeOffset At, long EventId, string TraceId, string? Gate, string? TaskId, IReadOnlyList<ArtifactLink> Lint, IReadOnlyList<ArtifactLink> Coverage, JsonElement? Data);

/// <summary>An artifact and where the API serves it.</summary>
public sealed record ArtifactLink(string Path, string Url);

/// <summary>A page of fixes, newest first.</summary>
/// <param name="NextCursor">Asks for the next page; absent on the last one.</param>
public sealed record GateFixPage(IReadOnlyList<GateFix> Fixes, string? NextCursor);
