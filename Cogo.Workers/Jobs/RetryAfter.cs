namespace Cogo.Workers.Jobs;

/// <summary>How long a server asks to be left alone.</summary>
internal static class RetryAfter
{
    /// <summary>Longest wait that a server can ask for; beyond it a wrong clock there would park the job.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    /// <summary>The <c>Retry-After</c> header, in seconds or as a date; null when there is none or it has passed.</summary>
    public static TimeSpan? Of(HttpResponseMessage response, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(response);
        ArgumentNullException.ThrowIfNull(time);
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : null);
        return wait is not { } known || known <= TimeSpan.Zero ? null : known < Longest ? known : Longest;
    }
}
