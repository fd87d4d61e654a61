using System.Diagnostics;
using Cogo.Api;
using Cogo.Core.Artifacts;
using Cogo.Core.Bus;
using Cogo.Core.Database;
using Cogo.Core.Database.Embedded;
using Cogo.ServiceDefaults;
using Cogo.Workers.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Cli;

/// <summary>
/// All of Cogo in one process: Postgres (embedded, or one that runs already), the schema, the API and the workers.
/// What comes up first goes down last, so that workers hand back what they hold while the database still answers.
/// </summary>
public sealed class CogoSystem : IAsyncDisposable
{
    private readonly EmbeddedPostgres? _postgres;
    private readonly WebApplication _app;

    private CogoSystem(EmbeddedPostgres? postgres, WebApplication app, Uri address, TimeSpan startedIn) =>
        (_postgres, _app, Address, StartedIn) = (postgres, app, address, startedIn);

    /// <summary>Where the API answers.</summary>
    public Uri Address { get; }

    public TimeSpan StartedIn { get; }

    /// <summary>The embedded server; null when Cogo uses one that runs already.</summary>
    public EmbeddedPostgres? Postgres => _postgres;

    public IServiceProvider Services => _app.Services;

    /// <summary>Ready when it returns: the API answers and the workers read their routes.</summary>
    /// <exception cref="CogoSystemException">The port is taken.</exception>
    /// <exception cref="EmbeddedPostgresException">The embedded Postgres cannot run here.</exception>
    /// <exception cref="MigrationException">The schema cannot be brought up to date.</exception>
    /// <exception cref="InputException">A worker's setting cannot be read.</exception>
    /// <exception cref="NpgsqlException">The given database does not answer.</exception>
    public static async Task<CogoSystem> StartAsync(CogoSystemOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var clock = Stopwatch.StartNew();
        LoopbackPort.ThrowIfTaken(options.Port);
        OwnFolder.Make(options.Folder);
        using var loggers = LoggerFactory.Create(logging => ConfigureLogging(logging, options));
        var postgres = options.ConnectionString is null
            ? await EmbeddedPostgres.StartAsync(options.Postgres, loggers.CreateLogger<EmbeddedPostgres>(), cancellationToken)
            : null;
        WebApplication? app = null;
        try
        {
            app = Build(options, options.ConnectionString ?? postgres!.ConnectionString);
            await new Migrator(app.Services.GetRequiredService<NpgsqlDataSource>(), loggers.CreateLogger<Migrator>()).MigrateAsync(cancellationToken);
            await StartWebAsync(app, options.Port, cancellationToken);
            return new CogoSystem(postgres, app, AddressOf(app), clock.Elapsed);
        }
        catch
        {
            if (app is not null)
            {
                await app.DisposeAsync();
            }

            if (postgres is not null)
            {
                await postgres.DisposeAsync();
            }

            throw;
        }
    }

    /// <summary>Returns when <paramref name="stop"/> is cancelled.</summary>
    /// <exception cref="CogoSystemException">Postgres ended, or a background service did.</exception>
    public async Task WaitAsync(CancellationToken stop)
    {
        var lifetime = _app.Services.GetRequiredService<IHostApplicationLifetime>();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, lifetime.ApplicationStopping);
        var stopped = Task.Delay(Timeout.Infinite, either.Token);
        var postgresEnded = _postgres?.Exited;
        var first = postgresEnded is null ? await Task.WhenAny(stopped) : await Task.WhenAny(stopped, postgresEnded);
        if (stop.IsCancellationRequested)
        {
            return;
        }

        throw first == postgresEnded
            ? new CogoSystemException($"Postgres ended by itself; its log is {Path.Combine(_postgres!.Directory, "server.log")}. What was committed is safe: start again.")
            : new CogoSystemException("A background service ended by itself; the log has the cause. What was on the bus is safe: start again.");
    }

    /// <summary>Lets workers drain, then stops the API, then Postgres.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _app.StopAsync(CancellationToken.None);
        }
        finally
        {
            await _app.DisposeAsync();
            if (_postgres is not null)
            {
                await _postgres.DisposeAsync();
            }
        }
    }

    private static WebApplication Build(CogoSystemOptions options, string connectionString)
    {
        // Not the working directory: an appsettings.json of the user's own project is none of ours.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, ApplicationName = typeof(CogoSystem).Assembly.GetName().Name });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:cogo"] = connectionString,
            [ArtifactOptions.BaseSetting] = options.ArtifactsFolder,
            // As a file or a variable: the command line has read them where they are.
            ["ARTIFACTS_S3_ACCESS_KEY_ID"] = options.ArtifactsS3?.AccessKeyId,
            ["ARTIFACTS_S3_SECRET_ACCESS_KEY"] = options.ArtifactsS3?.SecretAccessKey,
            ["COGO_WORK"] = options.WorkFolder,
            // A page elsewhere that resolves its own name to this machine gets no answer.
            ["AllowedHosts"] = "localhost;127.0.0.1;[::1]",
        });
        ConfigureLogging(builder.Logging, options);
        builder.WebHost.UseUrls(options.Port == 0 ? "http://127.0.0.1:0" : $"http://localhost:{options.Port}");
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.AddCogoServiceDefaults();
        builder.AddCogoDataSource();
        builder.Services.AddCogoBus();
        try
        {
            builder.AddCogoApi();
            builder.Services.AddCogoWorkers(builder.Configuration);
            builder.Services.AddCogoJobWorkers(builder.Configuration);
        }
        catch (FormatException e)
        {
            throw new InputException(e.Message, e);
        }

        var app = builder.Build();
        app.MapCogoApi();
        return app;
    }

    private static async Task StartWebAsync(WebApplication app, int port, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            throw LoopbackPort.Taken(port, e);
        }
    }

    private static Uri AddressOf(WebApplication app) =>
        new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    private static void ConfigureLogging(ILoggingBuilder logging, CogoSystemOptions options)
    {
        logging.ClearProviders();
        if (options.Progress is { } progress)
        {
            logging.AddProvider(new ProgressLog(progress));
        }

        if (!options.Verbose)
        {
            return;
        }

        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
        });
        // Results own standard output.
        logging.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("System", LogLevel.Warning).AddFilter("Npgsql", LogLevel.Warning);
    }

    /// <summary>Signals belong to the program, which disposes this system when one comes.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
