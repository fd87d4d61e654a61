using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace Cogo.Core.Processes;

/// <summary>
/// The small shell between us and the command. Its standard input is a pipe that we hold open and never write to:
/// when it ends, we are gone (also by SIGKILL), and the supervisor ends the tree. When the command ends, the
/// supervisor exits with its code; as first process of a PID namespace it takes everything else with it.
/// </summary>
internal static class Supervisor
{
    public const string Cookie = "COGO_STAGE";

    // The niceness leaves us room to act while a fork bomb owns the processors. The first PID is random because tools
    // name sockets in /tmp by PID (MSBuild does), and each namespace would count from 2. Since Linux 6.14 pid_max
    // belongs to the namespace: there it caps what a fork bomb can take before the next sample.
    private const string NamespaceScript =
        """
        input=$1 spread=$2 cap=$4; shift 4
        exec 3<&0 <"$input"
        [ "$input" = /dev/null ] || rm -f "$input"
        {
            [ -z "$cap" ] || echo "$cap" >/proc/sys/kernel/pid_max
            max=$(cat /proc/sys/kernel/pid_max) && echo $((max * spread / 1000)) >/proc/sys/kernel/ns_last_pid
        } 2>/dev/null
        ( exec >/dev/null 2>&1 </dev/null; cat <&3; kill -9 -1 ) &
        exec 4<&0
        nice -n 5 "$@" <&4 3<&- 4<&- &
        wait "$!"
        """;

    // Outside a namespace the watchdog looks for the members itself. First by session: that needs no fork, for which a
    // bomb may have left no room, and finds the one that has not become its command yet and so lacks the cookie. Then
    // by cookie, until several sweeps in a row find nobody: grep's exit code tells nothing, since processes vanish
    // while it reads, and a process in the middle of an exec has no environment for a moment.
    private const string SessionScript =
        """
        input=$1 cookie=$3; shift 4
        exec 3<&0 <"$input"
        [ "$input" = /dev/null ] || rm -f "$input"
        exec 4<&0
        if [ -d /proc/self ]; then
            COGO_STAGE=$cookie nice -n 5 "$@" <&4 3<&- 4<&- &
            main=$!
            ( exec >/dev/null 2>&1 </dev/null 4<&-
              cat <&3
              read -r me rest </proc/self/stat
              # Stopped first, so that none forks on while others die.
              for signal in STOP STOP KILL; do
                  for stat in /proc/[0-9]*/stat; do
                      read -r line <"$stat" || continue
                      id=${line%% *}
                      set -- ${line##*) }
                      [ "$4" != "$$" ] || [ "$id" = "$$" ] || [ "$id" = "$me" ] || kill -"$signal" "$id"
                  done
              done
              quiet=0
              while [ "$quiet" -lt 5 ]; do
                  quiet=$((quiet + 1))
                  found=$(grep -ls "COGO_STAGE=$cookie" /proc/[0-9]*/environ)
                  for signal in STOP KILL; do
                      for file in $found; do quiet=0; file=${file#/proc/}; kill -"$signal" "${file%/environ}"; done
                  done
                  sleep 0.1 || sleep 1
              done ) &
        else
            set -m
            COGO_STAGE=$cookie nice -n 5 "$@" <&4 3<&- 4<&- &
            main=$!
            set +m
            ( exec >/dev/null 2>&1 </dev/null 4<&-; cat <&3; kill -9 -"$main" ) &
        fi
        wait "$main"
        """;

    // On older kernels pid_max is the whole machine's.
    private static readonly Version _ownPidMax = new(6, 14);
    private static readonly string[] _folders = ["/usr/bin/", "/bin/", "/usr/local/bin/"];
    private static readonly Lazy<string[]?> _unshare = new(FindUnshare);

    public static Containment Best => _unshare.Value is null ? Containment.Session : Containment.PidNamespace;

    /// <summary>The command line that runs <paramref name="command"/> under supervision.</summary>
    public static IReadOnlyList<string> CommandLine(
        Containment containment, string command, IReadOnlyList<string> arguments, string? inputFile, string cookie, bool capped)
    {
        List<string> line = [];
        // A session of its own: Ctrl+C in our terminal is for us.
        if (Find("setsid") is { } setsid)
            line.Add(setsid);
        if (containment == Containment.PidNamespace)
        {
            line.AddRange(_unshare.Value ?? throw new PlatformNotSupportedException(
                "A PID namespace cannot be made here (unshare is missing or not permitted); use Containment.Session."));
        }

        var spread = RandomNumberGenerator.GetInt32(1, 750).ToString(CultureInfo.InvariantCulture);
        var cap = capped && OperatingSystem.IsLinux() && Environment.OSVersion.Version >= _ownPidMax ? "16384" : "";
        line.AddRange(["/bin/sh", "-c", containment == Containment.PidNamespace ? NamespaceScript : SessionScript, "cogo-stage", inputFile ?? "/dev/null", spread, cookie, cap, command, .. arguments]);
        return line;
    }

    private static string? Find(string name) =>
        _folders.Select(folder => folder + name).FirstOrDefault(File.Exists);

    /// <summary>Tries it out once: the tool may exist and the kernel, or the container we are in, still refuse.</summary>
    private static string[]? FindUnshare()
    {
        if (!OperatingSystem.IsLinux() || Find("unshare") is not { } unshare)
            return null;
        string[] flags = ["--pid", "--fork", "--kill-child", "--mount-proc"];
        string[][] ways = [[unshare, .. flags, "--"], [unshare, "--user", "--map-current-user", .. flags, "--"]];
        return ways.FirstOrDefault(Works);
    }

    private static bool Works(string[] way)
    {
        string[] arguments = [.. way.Skip(1), "/bin/sh", "-c", "[ $$ = 1 ] && [ -d /proc/1 ] && exit 7"];
        var start = new ProcessStartInfo(way[0], arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start);
        if (process is null)
            return false;
        if (process.WaitForExit(TimeSpan.FromSeconds(5)))
            return process.ExitCode == 7;
        process.Kill(entireProcessTree: true);
        return false;
    }
}
