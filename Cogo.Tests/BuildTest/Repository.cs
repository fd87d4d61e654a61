using System.Runtime.CompilerServices;

namespace Cogo.Tests.BuildTest;

/// <summary>Files of this repository, found from where the tests were compiled.</summary>
internal static class Repository
{
    public static string Root { get; } = Path.GetFullPath(Path.Combine(Here(), "../.."));

    public static string PathOf(string name) => Path.Combine(Root, name);

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
