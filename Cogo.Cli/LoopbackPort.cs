using System.Net;
using System.Net.Sockets;

namespace Cogo.Cli;

/// <summary>Looks before Postgres is started whether the API could listen.</summary>
internal static class LoopbackPort
{
    /// <exception cref="CogoSystemException">Something listens there.</exception>
    public static void ThrowIfTaken(int port)
    {
        if (port == 0)
        {
            return;
        }

        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            throw Taken(port, e);
        }
    }

    public static CogoSystemException Taken(int port, Exception cause) => new(
        $"Port {port} is taken: another `cogo dev` may be running (http://localhost:{port}). Stop what listens there, or choose another with --port.", cause);
}
