using Cogo.Core.Artifacts;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Jobs;

/// <summary>An attempt of a worker process.</summary>
internal sealed class JobRun(NpgsqlDataSource database, IArtifactStore? artifacts, long fence) : JobContext
{
    /// <summary>The claim this attempt belongs to.</summary>
    public long Fence => fence;

    /// <inheritdoc />
    /// <exception cref="ArgumentOutOfRangeException">The fraction is not between 0 and 1.</exception>
    public override async Task ReportProgressAsync(double fraction, string? message, CancellationToken cancellationToken)
    {
        if (fraction is not (>= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "Progress is a fraction from 0 to 1.");
        }

        await using var report = database.CreateCommand("select public.report_progress($1, $2, $3, $4)");
        report.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Id });
        report.Parameters.Add(new NpgsqlParameter<long> { TypedValue = fence });
        report.Parameters.Add(new NpgsqlParameter<double> { TypedValue = fraction });
        report.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)message?.Replace('\0', ' ') ?? DBNull.Value });
        await report.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc />
    /// <exception cref="InvalidOperationException">This worker has no artifact store.</exception>
    public override Task<Artifact> SaveArtifactAsync(string name, Stream content, string contentType, CancellationToken cancellationToken)
    {
        if (name is null || name.Contains('/', StringComparison.Ordinal))
        {
            throw new ArgumentException($"'{name}' cannot be the name of a job's artifact: use A-Z a-z 0-9 . _ -.", nameof(name));
        }

        return artifacts is null
            ? throw new InvalidOperationException("This worker has no artifact store: register one with AddCogoArtifacts.")
            : artifacts.SaveAsync($"job-{Id}/{name}", content, new ArtifactContext($"job-{Id}", TraceId, contentType), cancellationToken);
    }
}
