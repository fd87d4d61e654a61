using Cogo.Core.Pipeline;
using Cogo.Core.Processes;
using Cogo.Tests.Fixtures;
using Cogo.Workers.BuildTest;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cogo.Tests.BuildTest;

/// <summary>A working copy and a results folder of one test, and real runs over them.</summary>
internal sealed class BuildTestFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public BuildTestFolder()
    {
        Directory.CreateDirectory(Copy);
        Directory.CreateDirectory(Temporary);
    }

    /// <summary>The working copy.</summary>
    public string Copy => _folder.In("copy");

    /// <summary><c>TMPDIR</c> of the commands.</summary>
    public string Temporary => _folder.In("t");

    public string Results => _folder.In("results");

    public ProcessLimits Limits { get; set; } = BuildTestInput.DefaultLimits;

    public List<BuildTestProgress> Progress { get; } = [];

    public string Root => _folder.Path;

    public BuildTestFolder With(string name, string text)
    {
        var path = Path.Combine(Copy, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return this;
    }

    /// <summary>A working copy whose test is that shell script, with <c>$COGO_RESULTS</c> to write to.</summary>
    public BuildTestFolder WithTest(string script) =>
        With("run.sh", script + "\n").With("cogo.json", """{ "test": "sh ./run.sh" }""");

    public async Task<BuildTestReport> RunAsync(CancellationToken cancellationToken = default)
    {
        var input = new BuildTestInput
        {
            Folder = Copy,
            ResultsFolder = Results,
            TemporaryFolder = Temporary,
            TaskId = "task-1",
            TraceId = "0af7651916cd43dd8448eb211c80319c",
            AttemptId = "7.1",
            Limits = Limits,
            Change = new ChangeReference
            {
                Path = "task-1/codegen/change.patch",
                Sha256 = new string('a', 64),
                BaseCommit = new string('b', 40),
                Engine = "patch",
            },
        };
        var report = await new BuildTestRunner(NullLogger<BuildTestRunner>.Instance).RunAsync(input, Progress.Add, cancellationToken);
        await ReportSchema.AssertValidAsync(report);
        return report;
    }

    public string Log(string stage) => File.ReadAllText(Path.Combine(Results, stage + ".log"));

    public void Dispose() => _folder.Dispose();
}
