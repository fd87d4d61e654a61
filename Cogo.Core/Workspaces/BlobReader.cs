using System.Diagnostics;
using System.Globalization;
using System.Text;
using Cogo.Core.Pipeline;

namespace Cogo.Core.Workspaces;

/// <summary>Contents out of a mirror through one <c>git cat-file --batch</c>, which ends with it.</summary>
public sealed class BlobReader : IDisposable
{
    private const int LongestHeader = 200;

    private readonly Process _process;
    private readonly TimeSpan _patience;

    internal BlobReader(Git git, string mirror, TimeSpan patience)
    {
        _patience = patience;
        _process = git.Start(mirror, ["cat-file", "--batch"]);
    }

    /// <exception cref="WorkspaceException"><c>git_failed</c>: there is no such content, or git does not answer.</exception>
    public async Task<byte[]> ReadAsync(string blob, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(blob);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_patience);
        try
        {
            var input = _process.StandardInput.BaseStream;
            await input.WriteAsync(Encoding.ASCII.GetBytes(blob + "\n"), limit.Token);
            await input.FlushAsync(limit.Token);
            var output = _process.StandardOutput.BaseStream;
            var header = (await HeaderAsync(output, limit.Token)).Split(' ');
            if (header.Length != 3 || header[1] != "blob" || !int.TryParse(header[2], NumberStyles.None, CultureInfo.InvariantCulture, out var length))
                throw Failed($"it answered '{string.Join(' ', header)}' for {blob}");

            var content = new byte[length];
            await output.ReadExactlyAsync(content, limit.Token);
            await output.ReadExactlyAsync(new byte[1], limit.Token);
            return content;
        }
        catch (IOException e)
        {
            throw Failed($"it ended at {blob}", e);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failed($"it was silent for {_patience.TotalSeconds:0} s");
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private static async Task<string> HeaderAsync(Stream output, CancellationToken cancellationToken)
    {
        var one = new byte[1];
        var text = new StringBuilder();
        while (text.Length < LongestHeader)
        {
            await output.ReadExactlyAsync(one, cancellationToken);
            if (one[0] == '\n')
                break;
            text.Append((char)one[0]);
        }

        return text.ToString();
    }

    private static WorkspaceException Failed(string how, Exception? inner = null) =>
        new(WorkspaceCodes.GitFailed, $"git cat-file failed in the mirror: {how}.", Verdict.Infrastructure, inner);
}
