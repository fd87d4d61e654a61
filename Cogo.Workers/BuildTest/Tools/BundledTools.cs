namespace Cogo.Workers.BuildTest.Tools;

/// <summary>The small runners and reporters beside this file, which give a report to tools that have none.</summary>
internal static class BundledTools
{
    private static readonly string[] _names = [Projects.RustProject.Runner, Projects.PythonProject.Runner, Projects.NodeProject.JestReporter];

    public static void WriteTo(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var name in _names)
        {
            using var content = typeof(BundledTools).Assembly.GetManifestResourceStream("tools/" + name)
                ?? throw new InvalidOperationException($"The resource tools/{name} is not in the assembly: the build is broken.");
            using var file = File.Create(Path.Combine(folder, name));
            content.CopyTo(file);
        }
    }
}
