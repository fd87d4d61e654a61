using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.ServiceDefaults;

/// <summary>The one connection pool of a program.</summary>
public static class DataSource
{
    /// <summary>Name of the connection string: <c>ConnectionStrings__cogo</c> in the environment.</summary>
    public const string ConnectionName = "cogo";

    /// <summary>
    /// Adds a pooled <see cref="NpgsqlDataSource"/> on <c>ConnectionStrings:cogo</c> and the health check <c>postgres</c>.
    /// The connection string is read when the data source is first used.
    /// </summary>
    public static TBuilder AddCogoDataSource<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        var configuration = builder.Configuration;
        var application = builder.Environment.ApplicationName;
        builder.Services.AddSingleton(services => Create(configuration, application, services.GetRequiredService<ILoggerFactory>()));
        builder.Services.AddHealthChecks().AddCheck<PostgresHealthCheck>("postgres", timeout: TimeSpan.FromSeconds(5));
        return builder;
    }

    private static NpgsqlDataSource Create(IConfiguration configuration, string application, ILoggerFactory loggers)
    {
        var text = configuration.GetConnectionString(ConnectionName);
        if (string.IsNullOrWhiteSpace(text))
        {
            throw new InvalidOperationException(
                "No database is configured: set ConnectionStrings__cogo to a Postgres 15 or later, for example \"Host=localhost;Database=cogo;Username=cogo;Password=...\", or run `cogo dev`, which brings its own.");
        }

        var source = new NpgsqlDataSourceBuilder(text) { Name = ConnectionName };
        source.ConnectionStringBuilder.ApplicationName ??= application;
        source.UseLoggerFactory(loggers);
        return source.Build();
    }
}
