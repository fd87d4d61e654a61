using System.Text;

namespace Cogo.Workers.Codegen;

/// <summary>
/// The log of one attempt: a line with the time for each thing done. Any thread may write; beyond its limit it says
/// so once and drops the rest.
/// </summary>
public sealed class CodegenLog : IDisposable
{
    private readonly Lock _gate = new();
    private readonly StreamWriter _writer;
    private readonly TimeProvider _time;
    private readonly long _limitBytes;
    private long _bytes;
    private bool _full;

    /// <param name="path">Made anew.</param>
    /// <param name="limitBytes">Longest log, in bytes of UTF-8.</param>
    public CodegenLog(string path, TimeProvider time, long limitBytes)
    {
        Path = path;
        _time = time;
        _limitBytes = limitBytes;
        _writer = new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
    }

    public string Path { get; }

    /// <summary>Writes the text, each of its lines on a line of its own.</summary>
    public void Write(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        lock (_gate)
        {
            foreach (var line in text.AsSpan().EnumerateLines())
            {
                if (_full)
                    return;

                var stamped = $"{_time.GetUtcNow():yyyy-MM-ddTHH:mm:ss.fffZ} {line}";
                _bytes += Encoding.UTF8.GetByteCount(stamped) + 1;
                if (_bytes > _limitBytes)
                {
                    _full = true;
                    stamped = $"(the log is cut here at {_limitBytes:N0} bytes)";
                }

                _writer.Write(stamped);
                _writer.Write('\n');
            }
        }
    }

    /// <summary>Puts what was written so far into the file.</summary>
    public void Flush()
    {
        lock (_gate)
            _writer.Flush();
    }

    public void Dispose()
    {
        lock (_gate)
            _writer.Dispose();
    }
}
