using System.Text;

namespace Cogo.Core.Processes;

/// <summary>
/// Reads one stream of a process on a thread of its own (reads of a pipe block): counts, keeps the last 64 KiB, and
/// hands out lines. Endless output without a newline is cut into lines of <see cref="MaxLineLength"/> characters, so
/// that memory stays bounded.
/// </summary>
internal sealed class OutputPump
{
    public const int MaxLineLength = 16 * 1024;
    public const int TailBytes = 64 * 1024;

    private readonly Stream _stream;
    private readonly Action<int> _read;
    private readonly Action<string>? _line;
    private readonly byte[] _tail = new byte[TailBytes];
    private readonly StringBuilder _partial = new();
    private readonly Lock _gate = new();
    private long _total;

    /// <param name="read">Called with each number of bytes, before their lines.</param>
    /// <param name="line">Called with each line, without its line ending.</param>
    public OutputPump(Stream stream, Action<int> read, Action<string>? line)
    {
        _stream = stream;
        _read = read;
        _line = line;
    }

    /// <summary>Ends with the stream: when every process that holds it is gone.</summary>
    public Task RunAsync() =>
        Task.Factory.StartNew(Pump, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);

    /// <summary>The last <see cref="TailBytes"/> as text. May be called while the pump still runs.</summary>
    public string Tail()
    {
        lock (_gate)
        {
            var length = (int)Math.Min(_total, TailBytes);
            var bytes = new byte[length];
            var start = _total <= TailBytes ? 0 : (int)(_total % TailBytes);
            for (var i = 0; i < length; i++)
                bytes[i] = _tail[(start + i) % TailBytes];
            // A character that the ring cut in two is left out.
            var first = 0;
            while (_total > TailBytes && first < length && (bytes[first] & 0xC0) == 0x80)
                first++;
            return Encoding.UTF8.GetString(bytes, first, length - first);
        }
    }

    private void Pump()
    {
        var bytes = new byte[32 * 1024];
        var chars = new char[bytes.Length + 1];
        var decoder = Encoding.UTF8.GetDecoder();
        int count;
        while ((count = _stream.Read(bytes, 0, bytes.Length)) > 0)
        {
            Keep(bytes.AsSpan(0, count));
            _read(count);
            if (_line is not null)
                Split(chars.AsSpan(0, decoder.GetChars(bytes, 0, count, chars, 0, flush: false)));
        }

        if (_line is not null)
        {
            Split(chars.AsSpan(0, decoder.GetChars([], chars, flush: true)));
            if (_partial.Length > 0)
                Emit();
        }
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            foreach (var value in bytes)
                _tail[_total++ % TailBytes] = value;
        }
    }

    private void Split(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            var newline = text.IndexOf('\n');
            var take = Math.Min(newline < 0 ? text.Length : newline, MaxLineLength - _partial.Length);
            _partial.Append(text[..take]);
            text = text[take..];
            if (!text.IsEmpty && text[0] == '\n')
            {
                text = text[1..];
                Emit();
            }
            else if (_partial.Length == MaxLineLength)
            {
                Emit();
            }
        }
    }

    private void Emit()
    {
        if (_partial.Length > 0 && _partial[^1] == '\r')
            _partial.Length--;
        _line!(_partial.ToString());
        _partial.Clear();
    }
}
