using System.Diagnostics.CodeAnalysis;
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

    private const string Form = "\"Host=localhost;Database=cogo;Username=cogo;Password=...\"";

    private const string Missing =
        $"No database is configured: set ConnectionStrings__cogo to a Postgres 15 or later, for example {Form}, or run `cogo dev`, which brings its own.";

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

    /// <summary>For a program that is nothing without its database: now, not when it is first used.</summary>
    /// <exception cref="FormatException">There is no connection string, or it is none; the message never quotes it.</exception>
    public static void RequireCogoDatabase(this IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var text = configuration.GetConnectionString(ConnectionName);
        if (string.IsNullOrWhiteSpace(text))
        {
            throw new FormatException(Missing);
        }

        if (!TryParse(text, $"ConnectionStrings__{ConnectionName}", out _, out var problem))
        {
            throw new FormatException(problem);
        }
    }

    /// <summary>False, with a sentence that does not quote it, when the text is no connection string or names no host.</summary>
    /// <param name="source">Where it was written, for the sentence.</param>
    public static bool TryParse(
        string text, string source, [NotNullWhen(true)] out NpgsqlConnectionStringBuilder? parsed, [NotNullWhen(false)] out string? problem)
    {
        parsed = null;
        problem = null;
        try
        {
            parsed = new NpgsqlConnectionStringBuilder(text);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or KeyNotFoundException or InvalidCastException)
        {
            // Npgsql's own words may quote the text, which may hold a password.
            problem = $"{source} is no connection string: write it like {Form}.";
            return false;
        }

        problem = string.IsNullOrEmpty(parsed.Host) ? $"{source} names no host: write it like {Form}." : null;
        return problem is null;
    }

    private static NpgsqlDataSource Create(IConfiguration configuration, string application, ILoggerFactory loggers)
    {
        var text = configuration.GetConnectionString(ConnectionName);
        if (string.IsNullOrWhiteSpace(text))
        {
            throw new InvalidOperationException(Missing);
        }

        var source = new NpgsqlDataSourceBuilder(text) { Name = ConnectionName };
        source.ConnectionStringBuilder.ApplicationName ??= application;
        source.UseLoggerFactory(loggers);
        return source.Build();
    }
}
