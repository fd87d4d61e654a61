using Cogo.Core.Audit;

namespace Cogo.Cli.Run;

/// <summary>Shows a run as it goes. Disposing it ends what moves on the screen.</summary>
internal interface IRunView : IAsyncDisposable
{
    /// <summary>A sentence beside the task itself. Any thread may call it.</summary>
    void Note(string sentence);

    void Submitted(RunTicket ticket, RunOptions options, CogoServer server);

    void Show(TimelineEntry entry);

    /// <summary>The last call: nothing is shown after it.</summary>
    Task EndAsync(RunResult result, ReportView? report);
}
