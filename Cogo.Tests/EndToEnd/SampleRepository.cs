using Cogo.Tests.Fixtures;
using Cogo.Tests.Workspaces;

namespace Cogo.Tests.EndToEnd;

/// <summary>A sample as a repository of its own.</summary>
internal static class SampleRepository
{
    public static GitRepository Create(string name, string folder)
    {
        var repository = new GitRepository(Path.Combine(folder, name), empty: true);
        var source = Path.Combine(Repository.Root, "samples", name);
        foreach (var file in GitRepository.Run(source, "ls-files").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            repository.Write(file, File.ReadAllText(Path.Combine(source, file)));
        }

        repository.Commit("The sample");
        return repository;
    }

    /// <param name="patch"><c>good</c> or <c>bad</c>.</param>
    public static string Patch(string name, string patch) => File.ReadAllText(Path.Combine(Repository.Root, "samples", name, patch + ".patch"));
}
