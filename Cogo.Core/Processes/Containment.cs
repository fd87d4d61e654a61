namespace Cogo.Core.Processes;

/// <summary>How a process tree is held together, so that all of it can be ended.</summary>
public enum Containment
{
    /// <summary>
    /// Linux, as root or where user namespaces are allowed: a PID namespace of its own. The kernel ends every process
    /// in it, whatever it forked, daemonised or renamed itself to.
    /// </summary>
    PidNamespace,

    /// <summary>
    /// Other Unix: descendants, the session or process group, and on Linux whoever carries the tree's cookie in its
    /// environment. A daemon that leaves the session, loses its parent and clears its environment between two
    /// samples escapes.
    /// </summary>
    Session,
}
