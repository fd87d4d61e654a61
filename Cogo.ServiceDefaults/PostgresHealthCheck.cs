using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Cogo.ServiceDefaults;

/// <summary>Ready when the database answers a statement.</summary>
internal sealed class PostgresHealthCheck(NpgsqlDataSource source) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var command = source.CreateCommand("SELECT 1");
            await command.ExecuteScalarAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (NpgsqlException e)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, "Postgres does not answer: see the log.", e);
        }
    }
}
