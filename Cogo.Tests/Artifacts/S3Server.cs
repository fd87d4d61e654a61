using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Cogo.Core.Artifacts.S3;
using Cogo.Tests.Artifacts;
using Cogo.Tests.Fixtures;
using Xunit;

[assembly: AssemblyFixture(typeof(S3Server))]

namespace Cogo.Tests.Artifacts;

/// <summary>A server that speaks S3, on loopback, started by the first test that needs it. It knows the one bucket and the one access key below.</summary>
public sealed class S3Server : IAsyncDisposable
{
    public const string Bucket = "artifacts";
    private const string AccessKey = "S3RVER";

    private readonly Lazy<Task<Running>> _running = new(StartAsync);

    /// <summary>For a store of its own within the bucket.</summary>
    internal async Task<S3Options> OptionsAsync(Func<S3Options, S3Options>? change = null)
    {
        Assert.SkipUnless(
            File.Exists(Repository.PathOf("node_modules/s3rver/bin/s3rver.js")),
            "NOTHING OF S3 WAS TESTED: s3rver is not there. Install Node.js with npm and run 'npm ci --ignore-scripts' in the repository's root.");
        var running = await _running.Value;
        var options = new S3Options
        {
            Bucket = Bucket,
            Endpoint = running.Address,
            PathStyle = true,
            Prefix = $"{Guid.NewGuid():N}/",
            AccessKeyId = AccessKey,
            SecretAccessKey = AccessKey,
            Retries = 0,
        };
        return change is null ? options : change(options);
    }

    /// <summary>Files below a prefix of the bucket, as keys.</summary>
    internal async Task<IReadOnlyList<string>> KeysAsync(string prefix)
    {
        var bucket = Path.Combine((await _running.Value).Folder.Path, Bucket);
        const string suffix = "._S3rver_object";
        return [.. Directory.EnumerateFiles(bucket, "*" + suffix, SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(bucket, file)[..^suffix.Length])
            .Where(key => key.StartsWith(prefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];
    }

    /// <summary>Changes an object behind the store's back.</summary>
    internal async Task TamperAsync(string key, string content) =>
        await File.WriteAllTextAsync(Path.Combine((await _running.Value).Folder.Path, Bucket, key + "._S3rver_object"), content);

    public async ValueTask DisposeAsync()
    {
        if (!_running.IsValueCreated)
        {
            return;
        }

        var running = await _running.Value;
        running.Process.Kill(entireProcessTree: true);
        await running.Process.WaitForExitAsync();
        running.Process.Dispose();
        running.Folder.Dispose();
    }

    private static async Task<Running> StartAsync()
    {
        var folder = new TemporaryFolder();
        var port = FreePort();
        var start = new ProcessStartInfo(
            "node",
            [Repository.PathOf("node_modules/s3rver/bin/s3rver.js"), "--silent", "--address", "127.0.0.1", "--port", $"{port}", "--directory", folder.Path, "--configure-bucket", Bucket])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var process = Process.Start(start)!;
        _ = process.StandardOutput.ReadToEndAsync();
        var complaint = process.StandardError.ReadToEndAsync();
        await Eventually.BecomesTrueAsync(
            async () =>
            {
                Assert.False(process.HasExited, process.HasExited ? $"The S3 server ended: {await complaint}" : "");
                using var probe = new TcpClient();
                try
                {
                    await probe.ConnectAsync(IPAddress.Loopback, port);
                    return true;
                }
                catch (SocketException)
                {
                    return false;
                }
            },
            "an S3 server that answers");
        return new Running(process, folder, new Uri($"http://127.0.0.1:{port}"));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed record Running(Process Process, TemporaryFolder Folder, Uri Address);
}
