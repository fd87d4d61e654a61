using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Cogo.Core.Metrics;

/// <summary>The span of time that figures are about: up to now, from so long ago.</summary>
/// <param name="Length">From 1 s to <see cref="Longest"/>.</param>
public readonly record struct MetricsWindow(TimeSpan Length)
{
    /// <summary>What a window may look like, for messages.</summary>
    public const string Form = "a whole number with s, m, h or d, such as 90s, 15m, 24h or 7d, up to 90d";

    public static readonly TimeSpan Longest = TimeSpan.FromDays(90);

    /// <summary>24 hours.</summary>
    public static MetricsWindow Day { get; } = new(TimeSpan.FromHours(24));

    /// <summary>Reads <c>90s</c>, <c>15m</c>, <c>24h</c>, <c>7d</c>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out MetricsWindow window)
    {
        window = Day;
        if (text is not { Length: >= 2 and <= 10 } || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        var seconds = text[^1] switch
        {
            's' => 1L,
            'm' => 60,
            'h' => 3600,
            'd' => 86400,
            _ => 0,
        } * number;
        if (seconds < 1 || seconds > Longest.TotalSeconds)
        {
            return false;
        }

        window = new MetricsWindow(TimeSpan.FromSeconds(seconds));
        return true;
    }

    /// <summary>As <see cref="TryParse"/> reads it.</summary>
    public override string ToString() => (long)Length.TotalSeconds switch
    {
        var s when s % 86400 == 0 && s > 86400 => string.Create(CultureInfo.InvariantCulture, $"{s / 86400}d"),
        var s when s % 3600 == 0 => string.Create(CultureInfo.InvariantCulture, $"{s / 3600}h"),
        var s when s % 60 == 0 => string.Create(CultureInfo.InvariantCulture, $"{s / 60}m"),
        var s => string.Create(CultureInfo.InvariantCulture, $"{s}s"),
    };
}

/// <summary>Which part of the figures is wanted.</summary>
/// <param name="Route">Only of this route, as <c>service/role/shard</c>.</param>
/// <param name="Tenant">Only of this tenant.</param>
public sealed record MetricsScope(MetricsWindow Window, string? Route = null, string? Tenant = null);
