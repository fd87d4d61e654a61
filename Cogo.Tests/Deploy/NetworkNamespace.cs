using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Cogo.Tests.Deploy;

/// <summary>Connections that begin in the network of another process. Linux only, as root.</summary>
internal static class NetworkNamespace
{
    private const int CloneNewNet = 0x40000000;

    /// <summary>An HTTP handler whose loopback is that of the process.</summary>
    public static SocketsHttpHandler HandlerOf(int process) => new()
    {
        ConnectCallback = async (context, cancellationToken) =>
        {
            var socket = await SocketOfAsync(process);
            try
            {
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, context.DnsEndPoint.Port), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };

    /// <summary>A socket stays in the namespace of the thread that made it, so a thread goes there and is not used again.</summary>
    private static Task<Socket> SocketOfAsync(int process)
    {
        var made = new TaskCompletionSource<Socket>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                using var there = File.OpenHandle($"/proc/{process}/ns/net");
                if (SetNamespace((int)there.DangerousGetHandle(), CloneNewNet) != 0)
                {
                    throw new Win32Exception(Marshal.GetLastPInvokeError());
                }

                made.SetResult(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or Win32Exception or SocketException)
            {
                made.SetException(e);
            }
        });
        thread.Start();
        return made.Task;
    }

    [DllImport("libc", EntryPoint = "setns", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetNamespace(int descriptor, int kind);
}
