using Cogo.Core.Bus;

namespace Cogo.Benchmarks.Contestants;

/// <summary>Publishes a workload's messages, a batch a call, from several publishers at once.</summary>
internal static class CogoPublishing
{
    public static async Task RunAsync(Func<OutgoingMessage[], CancellationToken, Task> publisher, Workload workload, int messages, CancellationToken cancellationToken)
    {
        var next = 0;
        await Task.WhenAll(Enumerable.Range(0, workload.Publishers).Select(_ => Task.Run(PublishAsync, cancellationToken)));

        async Task PublishAsync()
        {
            while (true)
            {
                var from = Interlocked.Add(ref next, workload.Batch) - workload.Batch;
                if (from >= messages)
                {
                    return;
                }

                var batch = new OutgoingMessage[Math.Min(workload.Batch, messages - from)];
                for (var i = 0; i < batch.Length; i++)
                {
                    batch[i] = new OutgoingMessage(CogoSettings.Route, Payload(from + i, workload.PayloadBytes));
                }

                await publisher(batch, cancellationToken);
            }
        }
    }

    /// <summary>A JSON document of about so many bytes.</summary>
    public static string Payload(int n, int bytes) => $$"""{"n":{{n}},"pad":"{{new string('x', Math.Max(0, bytes - 20))}}"}""";
}
