using Cogo.Core.Metrics;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Metrics;

/// <summary>The query parameters of figures.</summary>
internal sealed class MetricsQuery
{
    /// <summary>Such as 90s, 15m, 24h or 7d.</summary>
    [FromQuery(Name = "window")]
    public string? Window { get; init; }

    [FromQuery(Name = "route")]
    public string? Route { get; init; }

    [FromQuery(Name = "tenant")]
    public string? Tenant { get; init; }

    /// <summary>Null, with the problems by field, when something is wrong.</summary>
    public MetricsScope? Read(Dictionary<string, string> problems)
    {
        var window = ReadWindow(Window, problems);
        if (Route is not null && !Core.Bus.Route.TryParse(Route, out _))
        {
            problems["route"] = $"A route is written service/role/shard, such as {Core.Bus.Route.BuildTest}.";
        }

        if (Tenant is not null && !IsTenant(Tenant))
        {
            problems["tenant"] = "A tenant has 1 to 200 characters, none of them a control character.";
        }

        return problems.Count == 0 ? new MetricsScope(window, Route, Tenant) : null;
    }

    public static MetricsWindow ReadWindow(string? text, Dictionary<string, string> problems)
    {
        if (text is not null && !MetricsWindow.TryParse(text, out _))
        {
            problems["window"] = $"A window is {MetricsWindow.Form}.";
        }

        return MetricsWindow.TryParse(text, out var window) ? window : MetricsWindow.Day;
    }

    public static bool IsTenant(string text) => text.Length is >= 1 and <= 200 && !text.Any(char.IsControl);
}
