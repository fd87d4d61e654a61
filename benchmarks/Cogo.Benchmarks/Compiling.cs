using System.Diagnostics;
using System.Runtime;
using System.Runtime.InteropServices;

namespace Cogo.Benchmarks;

/// <summary>
/// How much of the time since <see cref="Begin"/> this process's compiler has worked. Methods that are called often are
/// compiled anew while they run; on two processors that takes a core for seconds.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct Compiling
{
    /// <summary>Less than this is as good as none.</summary>
    public const double Little = 0.1;

    private readonly long _at;
    private readonly TimeSpan _compiled;

    private Compiling(long at, TimeSpan compiled) => (_at, _compiled) = (at, compiled);

    /// <summary>Since <see cref="Begin"/>, as a share of the time.</summary>
    public double Share => (JitInfo.GetCompilationTime() - _compiled) / Stopwatch.GetElapsedTime(_at);

    public static Compiling Begin() => new(Stopwatch.GetTimestamp(), JitInfo.GetCompilationTime());
}
