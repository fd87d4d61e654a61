using System.Net.Sockets;
using Xunit;

namespace Cogo.Tests.Api.Walk;

/// <summary>A connection stays open after an answer, unless the answer says that it does not: a client may be sending its next request.</summary>
[Collection(nameof(WalkedApi))]
public sealed class ConnectionTests(WalkedApi api)
{
    [Fact]
    public async Task The_server_says_before_it_closes()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var silently = new List<string>();
        foreach (var operation in api.Document.Operations.Where(operation => operation.Body is not null))
        {
            // Small bodies are read whole before anything is refused.
            foreach (var call in Inputs.HostileBodies(api.Good(operation)).Where(call => call.Chunked || call.Body!.Length >= 100_000))
            {
                using var connection = new Connection();
                using var request = api.Request(call);
                var (status, says) = await connection.SendAsync(request, cancellation);
                if (!says && await connection.ServerClosesAsync(cancellation))
                {
                    silently.Add($"{operation}, {call.What}: {status}");
                }
            }
        }

        Assert.True(silently.Count == 0, string.Join('\n', silently));
    }

    /// <summary>A client whose socket can be looked at.</summary>
    private sealed class Connection : IDisposable
    {
        private readonly HttpClient _http;
        private Socket? _socket;

        public Connection() => _http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (context, token) =>
            {
                _socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await _socket.ConnectAsync(context.DnsEndPoint, token);
                return new NetworkStream(_socket, ownsSocket: true);
            },
        });

        /// <summary>The status, and whether the answer says that the connection ends with it.</summary>
        public async Task<(int Status, bool SaysClose)> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            return ((int)response.StatusCode, response.Headers.ConnectionClose == true);
        }

        public async Task<bool> ServerClosesAsync(CancellationToken cancellationToken)
        {
            // It reads on after its answer, for some ms.
            await Task.Delay(30, cancellationToken);
            // The client itself closes it when it was not given leave to send a large body.
            return !_socket!.SafeHandle.IsClosed && _socket.Poll(0, SelectMode.SelectRead) && _socket.Available == 0;
        }

        public void Dispose() => _http.Dispose();
    }
}
