namespace Cogo.Core.Jobs;

/// <summary>A type of job: one class. Delivery is at least once, so a handler that acts outside must bear repetition.</summary>
public interface IJobHandler
{
    /// <summary>The type it runs, such as <c>http.get</c>, or all of a family: <c>browser.*</c>. The exact name goes first.</summary>
    string Type { get; }

    /// <summary>
    /// One attempt. Cancelled when the job is cancelled, the worker stops, or its lease is lost; what is thrown is a
    /// bug, and retried.
    /// </summary>
    Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken);
}
