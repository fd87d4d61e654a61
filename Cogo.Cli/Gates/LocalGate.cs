using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Artifacts;
using Cogo.Core.Gates;
using Cogo.Core.Pipeline;
using Cogo.Core.Processes;
using Cogo.Core.Workspaces;
using Cogo.Workers.BuildTest;
using Microsoft.Extensions.Logging.Abstractions;
using BuildTestRule = Cogo.Workers.BuildTest.GateRule;
using GateRule = Cogo.Core.Gates.GateRule;

namespace Cogo.Cli.Gates;

/// <summary>What to hold the gate over.</summary>
/// <param name="Folder">The repository at hand, absolute; commands run in it.</param>
/// <param name="BuildCommand">Instead of the build that is detected.</param>
/// <param name="Limits">Of each stage.</param>
internal sealed record LocalGateOptions(string Folder, string? BuildCommand, ProcessLimits Limits);

/// <summary>What came of it.</summary>
internal sealed record LocalGateResult(GateWord Word, BuildTestReport Report, IReadOnlyList<Artifact> Artifacts);

/// <summary>The gate <c>local</c>: build, linter and tests of a folder as it is, judged as the build/test worker judges.</summary>
internal sealed class LocalGate(IArtifactStore store, TimeProvider time)
{
    public const string Name = "local";

    private const string Stage = "gate";

    /// <summary>Runs it and stores logs, reports and the answer as artifacts. Nothing is recorded yet.</summary>
    public async Task<LocalGateResult> RunAsync(LocalGateOptions options, Action<BuildTestProgress>? progress, CancellationToken cancellationToken)
    {
        var traceId = ActivityTraceId.CreateRandom().ToHexString();
        var taskId = $"gate-{time.GetUtcNow():yyyyMMdd-HHmmss}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3))}";
        var own = Directory.CreateTempSubdirectory("cogo-gate-");
        var results = own.CreateSubdirectory("results").FullName;
        try
        {
            var input = new BuildTestInput
            {
                Folder = options.Folder,
                ResultsFolder = results,
                TemporaryFolder = own.CreateSubdirectory("tmp").FullName,
                TaskId = taskId,
                TraceId = traceId,
                AttemptId = taskId,
                BuildCommand = options.BuildCommand,
                Lint = true,
                Limits = options.Limits,
            };
            var report = await new BuildTestRunner(NullLogger<BuildTestRunner>.Instance).RunAsync(input, progress, cancellationToken);
            var answer = GateAnswer.Of(Name, null, Rules(report));
            var stored = await StoreAsync(results, taskId, traceId, report, answer, cancellationToken);
            var word = new GateWord
            {
                Answer = answer,
                TraceId = traceId,
                TaskId = taskId,
                Repo = options.Folder,
                Commit = await CommitAsync(options.Folder, cancellationToken),
                Lint = [.. stored.Select(artifact => artifact.Path).Where(path => path.EndsWith("/lint.log", StringComparison.Ordinal))],
                Coverage = report.Coverage is null ? [] : [.. stored.Select(artifact => artifact.Path).Where(IsCoverage)],
                LineRate = report.Coverage?.LineRate,
            };
            return new LocalGateResult(word, report, stored);
        }
        finally
        {
            FolderRemoval.Delete(own.FullName);
        }
    }

    /// <summary>The rules of build/test, and the linter's.</summary>
    internal static IReadOnlyList<GateRule> Rules(BuildTestReport report)
    {
        if (report.Gate.Rules.Count == 0)
        {
            return [new GateRule("project", "one that can be built and tested", "none", GateVerdict.Unknown, report.Message ?? "There is no project here.")];
        }

        var rules = report.Gate.Rules.Select(rule => Rule(report, rule)).ToList();
        if (!rules.Exists(rule => rule.Name == "lint_exit"))
        {
            rules.Add(new GateRule(
                "lint_exit", "0", "no linter", GateVerdict.Skipped,
                "The project names no linter: add a lint script, an .editorconfig (.NET), an ESLint or Ruff configuration, or 'lint' in cogo.json."));
        }

        return rules;
    }

    private static GateRule Rule(BuildTestReport report, BuildTestRule rule)
    {
        if (rule.Pass)
        {
            return new GateRule(rule.Name, rule.Expected, rule.Actual, GateVerdict.Pass, "As expected.");
        }

        // What did not run says nothing; what failed for want of a tool or of disk does not either.
        var ran = rule.Actual != "did not run";
        var verdict = ran && report.Verdict == Verdict.Failed ? GateVerdict.Fail : GateVerdict.Unknown;
        return new GateRule(
            rule.Name, rule.Expected, rule.Actual, verdict,
            ran ? Reason(report, rule.Name) : report.Stages.Count == 0 ? report.Message ?? "It could not be started." : "A stage before it did not succeed.");
    }

    private static string Reason(BuildTestReport report, string rule) =>
        report.FailureClass == FailureClass.LintFailed || rule != "lint_exit"
            ? report.Message ?? "The log has the cause."
            : "The linter found something: lint.log has it.";

    private async Task<IReadOnlyList<Artifact>> StoreAsync(
        string results, string taskId, string traceId, BuildTestReport report, GateAnswer answer, CancellationToken cancellationToken)
    {
        List<Artifact> stored = [];
        foreach (var artifact in report.Artifacts)
        {
            await using var content = File.OpenRead(Path.Combine(results, artifact.Path));
            stored.Add(await store.SaveAsync(
                $"{taskId}/{Stage}/{artifact.Path}", content, new ArtifactContext(taskId, traceId, "text/plain; charset=utf-8"), cancellationToken));
        }

        foreach (var (name, document) in new (string, object)[] { ("report.json", report), ("gate.json", answer) })
        {
            using var json = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(document, CogoJson.Indented));
            stored.Add(await store.SaveAsync($"{taskId}/{Stage}/{name}", json, new ArtifactContext(taskId, traceId, "application/json"), cancellationToken));
        }

        return stored;
    }

    private static bool IsCoverage(string path) =>
        Path.GetFileName(path) is var name && (name.Contains("coverage", StringComparison.OrdinalIgnoreCase) || name.Contains("cobertura", StringComparison.OrdinalIgnoreCase));

    /// <summary>HEAD of the repository; null where there is no git or no commit.</summary>
    private static async Task<string?> CommitAsync(string folder, CancellationToken cancellationToken)
    {
        try
        {
            var result = await ProcessTree.RunAsync(
                new ProcessSpec { FileName = "git", Arguments = ["rev-parse", "HEAD"], WorkingDirectory = folder, CleanEnvironment = true, Limits = new ProcessLimits { WallClock = TimeSpan.FromSeconds(10) } },
                null, cancellationToken);
            return result.Succeeded ? result.StandardOutputTail.Trim() : null;
        }
        catch (CommandNotFoundException)
        {
            return null;
        }
    }
}
