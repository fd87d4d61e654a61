namespace Cogo.Workers.Hosting;

/// <summary>What a worker program works on: <c>WORKER_MODE</c>.</summary>
public static class WorkerMode
{
    public const string Setting = "WORKER_MODE";

    /// <summary>Jobs out of the database.</summary>
    public const string Database = "db";

    /// <summary>Messages of one route of the bus; see <see cref="WorkerRoute"/>. The default.</summary>
    public const string Bus = "bus";

    /// <exception cref="FormatException">There is no such mode.</exception>
    public static string Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return configuration[Setting] switch
        {
            null or "" or Bus => Bus,
            Database => Database,
            var text => throw new FormatException($"{Setting} is '{text}': set it to {Database} to run jobs, or to {Bus} to read one route."),
        };
    }
}
