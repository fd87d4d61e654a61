namespace Cogo.Core.Processes;

/// <summary>
/// Which processes belong to a tree. In a PID namespace descent is enough, since orphans go to its first process;
/// elsewhere the session and the cookie count too, and who was once a member stays one.
/// </summary>
internal sealed class TreeMembers(int rootId, Containment containment, string cookie)
{
    private readonly HashSet<(int Id, long StartTime)> _known = [];
    private readonly HashSet<int> _sessions = [];
    private readonly string _assignment = Supervisor.Cookie + "=" + cookie;
    private long _rootStart;

    /// <summary>How many of the members are ours: the shell (in a namespace), its watchdog, and the watchdog's <c>cat</c>.</summary>
    public int Overhead { get; } = containment == Containment.PidNamespace ? 3 : 2;

    /// <summary>Living members, below the process that we started.</summary>
    public IReadOnlyList<ProcessRow> Find()
    {
        var all = ProcessTable.Read();
        var children = all.ToLookup(row => row.ParentId);
        var root = all.FirstOrDefault(row => row.Id == rootId);
        if (root.Id != 0)
            _rootStart = root.StartTime;

        var members = new Dictionary<int, ProcessRow>();
        var pending = new Stack<ProcessRow>();
        void Add(ProcessRow first)
        {
            // Not recursive: a chain of forks can be longer than our stack.
            pending.Push(first);
            while (pending.TryPop(out var row))
            {
                if (row.Id == Environment.ProcessId || !members.TryAdd(row.Id, row))
                    continue;
                foreach (var child in children[row.Id])
                    pending.Push(child);
            }
        }

        foreach (var child in children[rootId])
            Add(child);
        if (containment == Containment.Session)
        {
            foreach (var row in all)
            {
                if (row.Id == rootId || row.StartTime < _rootStart || members.ContainsKey(row.Id))
                    continue;
                if (row.SessionId == rootId || _sessions.Contains(row.SessionId) || _known.Contains((row.Id, row.StartTime)) || ProcessTable.HasVariable(row.Id, _assignment))
                    Add(row);
            }

            foreach (var row in members.Values)
            {
                _known.Add((row.Id, row.StartTime));
                // Only a session (or group) whose leader is in the tree: without setsid the watchdog shares ours.
                if (members.ContainsKey(row.SessionId))
                    _sessions.Add(row.SessionId);
            }
        }

        return [.. members.Values.Where(row => !row.Zombie)];
    }
}
