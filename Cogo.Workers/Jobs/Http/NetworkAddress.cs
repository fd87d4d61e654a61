using System.Net;
using System.Net.Sockets;

namespace Cogo.Workers.Jobs.Http;

/// <summary>Which addresses are the public internet's. What is not could be a neighbour of the worker that trusts it.</summary>
internal static class NetworkAddress
{
    // Special-purpose blocks that are not globally reachable (RFC 6890 and its registries), and cloud metadata services
    // at addresses that look public.
    private static readonly IPNetwork[] _private = [.. new[]
    {
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32", // Azure
        "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16",
        "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    }.Select(IPNetwork.Parse)];

    private static readonly IPNetwork _compatible = IPNetwork.Parse("::/96");
    private static readonly IPNetwork _translated = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork _tunnelled = IPNetwork.Parse("2002::/16");

    public static bool IsPublic(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        // An IPv6 address that stands for an IPv4 one is judged as that.
        var judged = address.AddressFamily == AddressFamily.InterNetworkV6 ? Within(address) ?? address : address;
        return !Array.Exists(_private, block => block.Contains(judged));
    }

    private static IPAddress? Within(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4();
        var bytes = address.GetAddressBytes();
        // ::/96 holds ::1 and :: too, which read as 0.0.0.1 and 0.0.0.0.
        if (_compatible.Contains(address) || _translated.Contains(address))
            return new IPAddress(bytes.AsSpan(12, 4));
        return _tunnelled.Contains(address) ? new IPAddress(bytes.AsSpan(2, 4)) : null;
    }
}
