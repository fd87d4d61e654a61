using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace Cogo.Api.Admin;

/// <summary>Counts wrong tokens by address, so that nobody tries many. Thread-safe.</summary>
internal sealed class AdminFailures(AdminOptions options) : IDisposable
{
    private readonly PartitionedRateLimiter<IPAddress> _failures = PartitionedRateLimiter.Create<IPAddress, IPAddress>(address =>
        RateLimitPartition.GetFixedWindowLimiter(Network(address), _ => new FixedWindowRateLimiterOptions { PermitLimit = options.FailureLimit, Window = options.FailureWindow }));

    /// <summary>Counts one; the time to wait, when there were too many.</summary>
    public TimeSpan? Count(IPAddress? address) => Take(address, 1);

    /// <summary>The time to wait, when there were too many: even the right token does not help, or guessing would.</summary>
    public TimeSpan? Locked(IPAddress? address) => Take(address, 0);

    public void Dispose() => _failures.Dispose();

    private TimeSpan? Take(IPAddress? address, int permits)
    {
        using var lease = _failures.AttemptAcquire(address ?? IPAddress.None, permits);
        return lease.IsAcquired ? null
            : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait
            : options.FailureWindow;
    }

    /// <summary>Of IPv6 the first 64 bits: whoever has one address has all of them.</summary>
    private static IPAddress Network(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (plain.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return plain;
        }

        Span<byte> bytes = stackalloc byte[16];
        plain.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }
}
