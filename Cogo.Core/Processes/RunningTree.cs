using System.Diagnostics;

namespace Cogo.Core.Processes;

/// <summary>One tree from its start to its end: watches the limits, and ends it.</summary>
internal sealed class RunningTree : IDisposable
{
    private static readonly TimeSpan _sampleInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _killDeadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _strayOutputDeadline = TimeSpan.FromSeconds(2);

    private readonly Process _process;
    private readonly ProcessLimits _limits;
    private readonly Action<OutputLine>? _onLine;
    private readonly Containment _containment;
    private readonly TreeMembers _members;
    private readonly OutputPump _standardOutput;
    private readonly OutputPump _standardError;
    private readonly Lock _lineGate = new();
    private readonly DateTimeOffset _startedAt = TimeProvider.System.GetUtcNow();
    private readonly long _startedTicks = Stopwatch.GetTimestamp();
    private long _lastOutputTicks = Stopwatch.GetTimestamp();
    private long _outputBytes;
    private int _stopReason;
    private Exception? _lineFailure;
    private long _peakBytes;
    private long _proportionalTicks;
    private TimeSpan _proportionalCost;
    private volatile bool _cut;

    public RunningTree(Process process, ProcessSpec spec, Action<OutputLine>? onLine, Containment containment, string cookie)
    {
        _process = process;
        _limits = spec.Limits;
        _onLine = onLine;
        _containment = containment;
        _members = new TreeMembers(process.Id, containment, cookie);
        _standardOutput = new OutputPump(process.StandardOutput.BaseStream, Count, onLine is null ? null : text => Hand(OutputStream.StandardOutput, text));
        _standardError = new OutputPump(process.StandardError.BaseStream, Count, onLine is null ? null : text => Hand(OutputStream.StandardError, text));
    }

    public async Task<ProcessResult> EndAsync(CancellationToken cancellationToken)
    {
        await using var cancellation = cancellationToken.Register(() => Stop(StopReason.Cancelled));
        var pumps = Task.WhenAll(_standardOutput.RunAsync(), _standardError.RunAsync());
        // A thread of its own: the pool may be busy, and a fork bomb does not wait.
        var watch = Task.Factory.StartNew(Watch, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        await watch;
        var duration = Stopwatch.GetElapsedTime(_startedTicks);

        // Every process is gone, so both streams end by themselves. Only where one escaped (see Containment.Session)
        // a stream can stay open, and then we do not wait for it.
        await Task.WhenAny(pumps, Task.Delay(_strayOutputDeadline, CancellationToken.None));
        _cut = true;
        if (pumps.IsFaulted)
            await pumps;
        if (_lineFailure is { } failure)
            throw new InvalidOperationException("The receiver of output lines failed, so the process tree was ended: " + failure.Message, failure);

        var exitCode = _process.ExitCode;
        var reason = (StopReason)_stopReason;
        var signal = reason == StopReason.None ? Signals.FromExitCode(exitCode) : "SIGKILL";
        return new ProcessResult
        {
            ExitCode = signal is null ? exitCode : null,
            Signal = signal,
            StopReason = reason,
            StartedAt = _startedAt,
            Duration = duration,
            PeakMemoryBytes = _peakBytes,
            OutputBytes = Interlocked.Read(ref _outputBytes),
            StandardOutputTail = _standardOutput.Tail(),
            StandardErrorTail = _standardError.Tail(),
        };
    }

    /// <summary>Samples until the main process ends or a limit is hit, then ends whatever is left.</summary>
    private void Watch()
    {
        try
        {
            while (!_process.HasExited && _stopReason == (int)StopReason.None)
            {
                var sampleStart = Stopwatch.GetTimestamp();
                Sample();
                // A machine with very many processes is not slowed down by being watched.
                var cost = Stopwatch.GetElapsedTime(sampleStart);
                Pause(cost * 10 > _sampleInterval ? cost * 10 : _sampleInterval);
            }
        }
        finally
        {
            Kill();
        }
    }

    private void Sample()
    {
        var members = _members.Find();
        var resident = members.Sum(row => row.ResidentBytes);
        var overLimit = resident > _limits.MemoryBytes;
        // The sum counts shared pages once a process; the proportional figure is right but dear, so it is asked for
        // only where it can matter.
        if (overLimit || (resident > _peakBytes && Stopwatch.GetElapsedTime(_proportionalTicks) > _proportionalCost * 20))
        {
            var start = Stopwatch.GetTimestamp();
            var proportional = members.Sum(row => ProcessTable.ProportionalBytes(row.Id) ?? row.ResidentBytes);
            _proportionalTicks = Stopwatch.GetTimestamp();
            _proportionalCost = Stopwatch.GetElapsedTime(start, _proportionalTicks);
            _peakBytes = Math.Max(_peakBytes, proportional);
            if (proportional > _limits.MemoryBytes)
                Stop(StopReason.Memory);
        }

        if (members.Count - _members.Overhead > _limits.Processes)
            Stop(StopReason.Processes);
        if (Stopwatch.GetElapsedTime(_startedTicks) > _limits.WallClock)
            Stop(StopReason.WallClock);
        if (Stopwatch.GetElapsedTime(Interlocked.Read(ref _lastOutputTicks)) > _limits.NoOutput)
            Stop(StopReason.NoOutput);
    }

    /// <summary>Waits for the end, a stop, or the time; a pipe's end is not the end of a process, so it is asked for in steps.</summary>
    private void Pause(TimeSpan time)
    {
        var start = Stopwatch.GetTimestamp();
        while (_stopReason == (int)StopReason.None && Stopwatch.GetElapsedTime(start) < time)
        {
            if (_process.WaitForExit(TimeSpan.FromMilliseconds(20)))
                return;
        }
    }

    private void Kill()
    {
        var deadline = Stopwatch.GetTimestamp();
        while (true)
        {
            var members = _process.HasExited && _containment == Containment.PidNamespace ? [] : _members.Find();
            if (members.Count == 0 && _process.HasExited)
                return;

            if (_containment == Containment.PidNamespace)
            {
                // The end of a namespace's first process ends all others, and unshare returns only after that.
                foreach (var first in members.Where(row => row.ParentId == _process.Id))
                    Signals.Send(first.Id, Signals.Kill);
            }
            else
            {
                foreach (var member in Freeze(members))
                    Signals.Send(member.Id, Signals.Kill);
                if (members.Count == 0)
                    _process.Kill();
            }

            if (Stopwatch.GetElapsedTime(deadline) > _killDeadline)
            {
                _process.Kill();
                throw new InvalidOperationException(
                    $"The process tree of {_process.Id} could not be ended within {_killDeadline.TotalSeconds} s; still there: {string.Join(", ", members.Take(10).Select(row => row.Id))}. They are probably stuck in the kernel (a dead network file system, a broken disk).");
            }

            _process.WaitForExit(TimeSpan.FromMilliseconds(20));
        }
    }

    /// <summary>
    /// Stops members until a sweep finds no new one. Killing at once would free process slots for those that still
    /// fork; frozen, a fork bomb can only run out of them.
    /// </summary>
    private IReadOnlyList<ProcessRow> Freeze(IReadOnlyList<ProcessRow> members)
    {
        HashSet<(int, long)> frozen = [];
        while (true)
        {
            var grown = false;
            foreach (var member in members)
            {
                Signals.Send(member.Id, Signals.Stop);
                grown |= frozen.Add((member.Id, member.StartTime));
            }

            if (!grown)
                return members;
            members = _members.Find();
        }
    }

    private void Stop(StopReason reason) => Interlocked.CompareExchange(ref _stopReason, (int)reason, (int)StopReason.None);

    private void Count(int bytes)
    {
        Interlocked.Exchange(ref _lastOutputTicks, Stopwatch.GetTimestamp());
        if (Interlocked.Add(ref _outputBytes, bytes) > _limits.OutputBytes)
        {
            _cut = true;
            Stop(StopReason.Output);
        }
    }

    private void Hand(OutputStream stream, string text)
    {
        lock (_lineGate)
        {
            if (_cut)
                return;
            try
            {
                _onLine!(new OutputLine(stream, text));
            }
            catch (Exception e)
            {
                // Thrown on by EndAsync; here it would leave the pipe unread and the tree blocked.
                _lineFailure = e;
                _cut = true;
                Stop(StopReason.Cancelled);
            }
        }
    }

    public void Dispose()
    {
    }
}
