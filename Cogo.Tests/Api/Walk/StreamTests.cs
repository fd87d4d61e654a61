using System.Diagnostics.Metrics;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Cogo.Tests.Api.Walk;

/// <summary>Every event stream of the document: it begins at once, and ends when nobody reads it any more.</summary>
[Collection(nameof(WalkedApi))]
public sealed class StreamTests(WalkedApi api)
{
    [Fact]
    public async Task A_stream_begins_at_once_and_ends_with_its_reader()
    {
        using var requests = new RequestCount(api.App.Services.GetRequiredService<IMeterFactory>());
        var streams = api.Document.Operations.Where(operation => operation.IsStream).ToList();
        Assert.NotEmpty(streams);
        foreach (var operation in streams)
        {
            await api.BeginAnewAsync();
            using var leaves = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            using (var response = await api.OpenAsync(api.Good(operation), leaves.Token))
            {
                Assert.Equal((200, "text/event-stream"), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
                await using var body = await response.Content.ReadAsStreamAsync(leaves.Token);
                using var reader = new StreamReader(body);
                Assert.Matches("^(event|data|id): ", await reader.ReadLineAsync(leaves.Token).AsTask().WaitAsync(TimeSpan.FromSeconds(10), leaves.Token));
                await Eventually.BecomesTrueAsync(() => requests.Active == 1, $"{operation} being answered");
                await leaves.CancelAsync();
            }

            await Eventually.BecomesTrueAsync(() => requests.Active == 0, $"the end of {operation} after its reader had left");
        }
    }

    /// <summary>Requests that one server is answering.</summary>
    private sealed class RequestCount : IDisposable
    {
        private readonly MeterListener _listener = new();
        private long _active;

        public RequestCount(IMeterFactory server)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "http.server.active_requests" && ReferenceEquals(instrument.Meter.Scope, server))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((_, change, _, _) => Interlocked.Add(ref _active, change));
            _listener.Start();
        }

        public long Active => Interlocked.Read(ref _active);

        public void Dispose() => _listener.Dispose();
    }
}
