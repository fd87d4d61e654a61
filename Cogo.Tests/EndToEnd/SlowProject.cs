using Cogo.Tests.Workspaces;

namespace Cogo.Tests.EndToEnd;

/// <summary>A repository whose test run waits for a word from outside, so that something can happen to it meanwhile.</summary>
internal sealed class SlowProject
{
    private readonly string _signals;

    public SlowProject(string folder)
    {
        _signals = Path.Combine(folder, "signals");
        Directory.CreateDirectory(_signals);
        Repository = new GitRepository(Path.Combine(folder, "slow"), empty: true);
        Repository.Write("cogo.json", """{ "test": "sh test.sh" }""");
        Repository.Write("test.sh", $"""
            echo $$ >> {_signals}/started
            until [ -e {_signals}/go ]; do sleep 0.05; done
            printf 'TAP version 13\n1..1\nok 1 - waited\n' > "$COGO_RESULTS/slow.tap"

            """.ReplaceLineEndings("\n"));
        Repository.Commit("A test that waits");
    }

    public GitRepository Repository { get; }

    public const string Patch = "diff --git a/new.txt b/new.txt\nnew file mode 100644\n--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+new\n";

    /// <summary>How many test runs have begun.</summary>
    public int Started => File.Exists(Path.Combine(_signals, "started")) ? File.ReadLines(Path.Combine(_signals, "started")).Count() : 0;

    /// <summary>Lets the test runs pass.</summary>
    public void Go() => File.WriteAllText(Path.Combine(_signals, "go"), "");
}
