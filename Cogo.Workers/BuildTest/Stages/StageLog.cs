using System.Text;
using Cogo.Core.Processes;

namespace Cogo.Workers.BuildTest.Stages;

/// <summary>Writes what a stage prints to <c>&lt;stage&gt;.log</c>, and its standard output to a report as well where that is the report.</summary>
internal sealed class StageLog : IDisposable
{
    private readonly StreamWriter _log;
    private readonly StreamWriter? _report;

    public StageLog(string logPath, string? reportPath)
    {
        _log = Create(logPath);
        _report = reportPath is null ? null : Create(reportPath);
    }

    public void Write(OutputLine line)
    {
        _log.WriteLine(line.Text);
        if (line.Stream == OutputStream.StandardOutput)
            _report?.WriteLine(line.Text);
    }

    public void Dispose()
    {
        _log.Dispose();
        _report?.Dispose();
    }

    private static StreamWriter Create(string path) => new(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { NewLine = "\n" };
}
