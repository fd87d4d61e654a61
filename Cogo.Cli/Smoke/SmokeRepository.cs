using Cogo.Core.Processes;

namespace Cogo.Cli.Smoke;

/// <summary>A small repository of its own with one fault, a patch that repairs it and one that does not. Needs git and sh.</summary>
internal sealed class SmokeRepository : IDisposable
{
    private const string Tests =
        """
        # The answer must be 42.
        echo "TAP version 13" > "$COGO_RESULTS/smoke.tap"
        echo "1..2" >> "$COGO_RESULTS/smoke.tap"
        echo "ok 1 - there is an answer" >> "$COGO_RESULTS/smoke.tap"
        if [ "$(cat answer.txt)" = "42" ]; then
          echo "ok 2 - the answer is 42" >> "$COGO_RESULTS/smoke.tap"
        else
          echo "not ok 2 - the answer is 42" >> "$COGO_RESULTS/smoke.tap"
          exit 1
        fi

        """;

    private SmokeRepository(string path) => Path = path;

    public string Path { get; }

    /// <summary>Makes the tests pass.</summary>
    public static string GoodPatch { get; } = Patch(42);

    /// <summary>Leaves a test failing.</summary>
    public static string BadPatch { get; } = Patch(40);

    /// <exception cref="CogoSystemException">git is not there, or refuses.</exception>
    public static async Task<SmokeRepository> CreateAsync(CancellationToken cancellationToken)
    {
        var repository = new SmokeRepository(Directory.CreateTempSubdirectory("cogo-smoke-").FullName);
        try
        {
            await File.WriteAllTextAsync(System.IO.Path.Combine(repository.Path, "answer.txt"), "41\n", cancellationToken);
            await File.WriteAllTextAsync(System.IO.Path.Combine(repository.Path, "test.sh"), Tests, cancellationToken);
            await File.WriteAllTextAsync(
                System.IO.Path.Combine(repository.Path, "cogo.json"), """{ "build": "test -f answer.txt", "test": "sh test.sh" }""" + "\n", cancellationToken);
            await repository.GitAsync(["init", "-q", "-b", "main"], cancellationToken);
            await repository.GitAsync(["add", "-A"], cancellationToken);
            await repository.GitAsync(["-c", "user.name=cogo", "-c", "user.email=cogo@localhost", "-c", "commit.gpgsign=false", "commit", "-q", "-m", "A wrong answer"], cancellationToken);
            return repository;
        }
        catch
        {
            repository.Dispose();
            throw;
        }
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static string Patch(int answer) => $"--- a/answer.txt\n+++ b/answer.txt\n@@ -1 +1 @@\n-41\n+{answer}\n";

    private async Task GitAsync(string[] arguments, CancellationToken cancellationToken)
    {
        try
        {
            var result = await ProcessTree.RunAsync(
                new ProcessSpec { FileName = "git", Arguments = arguments, WorkingDirectory = Path, CleanEnvironment = true, Limits = new ProcessLimits { WallClock = TimeSpan.FromSeconds(30) } },
                null, cancellationToken);
            if (!result.Succeeded)
            {
                throw new CogoSystemException($"The smoke test's repository could not be made: git {arguments[0]} ended with {result.ExitCode}: {result.StandardErrorTail.Trim()}");
            }
        }
        catch (CommandNotFoundException e)
        {
            throw new CogoSystemException($"The smoke test's repository could not be made: {e.Message}", e);
        }
    }
}
