using System.Net;
using System.Net.Sockets;

namespace Cogo.Workers.Jobs.Http;

/// <summary>The name stands for addresses that HTTP jobs must not reach.</summary>
internal sealed class AddressRefusedException(string host, IPAddress address) : Exception(
    $"{host} stands for {address}, which is not on the public internet. Set HTTP_JOB_ALLOW_PRIVATE=true where jobs may reach this machine and its network.");

/// <summary>
/// Connects to exactly the address that was checked. A check of the name before the request would be of another
/// resolution than the connection's own, and the answer can change in between.
/// </summary>
internal static class GuardedConnect
{
    /// <exception cref="AddressRefusedException">None of the host's addresses is allowed.</exception>
    public static async ValueTask<Stream> ConnectAsync(DnsEndPoint host, bool allowPrivate, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(host);
        var found = IPAddress.TryParse(host.Host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host.Host, cancellationToken);
        var allowed = Array.FindAll(found, address => allowPrivate || NetworkAddress.IsPublic(address));
        if (allowed.Length == 0 && found.Length > 0)
            throw new AddressRefusedException(host.Host, found[0]);

        Exception? last = null;
        foreach (var address in allowed)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, host.Port), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception e)
            {
                socket.Dispose();
                if (e is not SocketException)
                    throw;
                last = e;
            }
        }

        throw last ?? new SocketException((int)SocketError.HostNotFound);
    }
}
