using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Cogo.ServiceDefaults;

/// <summary>
/// Traces, metrics and logs by OTLP. The framework, <see cref="HttpClient"/> and Npgsql emit activities and meters
/// themselves; Cogo's own are named <see cref="SourceName"/>. The exporter's settings are the standard
/// <c>OTEL_*</c> environment variables.
/// </summary>
public sealed class Telemetry : IHostedLifecycleService, IDisposable
{
    /// <summary>Name of Cogo's activity source and meter.</summary>
    public const string SourceName = "Cogo";

    /// <summary>The setting that turns telemetry on, for example <c>http://localhost:4317</c>.</summary>
    public const string EndpointSetting = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private const int FlushMilliseconds = 5_000;

    private readonly string _serviceName;
    private TracerProvider? _tracer;
    private MeterProvider? _meter;

    private Telemetry(string serviceName) => _serviceName = serviceName;

    /// <summary>Adds the exporters when <see cref="EndpointSetting"/> is set, and nothing otherwise.</summary>
    internal static void Add(IHostApplicationBuilder builder)
    {
        if (string.IsNullOrWhiteSpace(builder.Configuration[EndpointSetting]))
        {
            return;
        }

        var serviceName = builder.Configuration["OTEL_SERVICE_NAME"] is { Length: > 0 } name
            ? name
            : builder.Environment.ApplicationName;
        builder.Services.AddSingleton<IHostedService>(_ => new Telemetry(serviceName));
        builder.Logging.AddOpenTelemetry(logs =>
        {
            logs.IncludeFormattedMessage = true;
            logs.IncludeScopes = true;
            logs.SetResourceBuilder(Describe(ResourceBuilder.CreateDefault(), serviceName));
            logs.AddOtlpExporter();
        });
    }

    /// <summary>Before any other service starts, so that their first spans are seen.</summary>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _tracer = Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(resource => Describe(resource, _serviceName))
            .AddSource(SourceName, "Microsoft.AspNetCore", "System.Net.Http", "Npgsql")
            .AddOtlpExporter()
            .Build();
        _meter = Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(resource => Describe(resource, _serviceName))
            .AddMeter(SourceName, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", "System.Runtime", "Npgsql")
            .AddOtlpExporter()
            .Build();
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>After every other service has stopped, so that their last spans are sent. Waits 5 s at most for each signal.</summary>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            _tracer?.ForceFlush(FlushMilliseconds);
            _meter?.ForceFlush(FlushMilliseconds);
        },
        CancellationToken.None);

    public void Dispose()
    {
        _tracer?.Dispose();
        _meter?.Dispose();
    }

    private static ResourceBuilder Describe(ResourceBuilder resource, string serviceName)
    {
        var version = Assembly.GetEntryAssembly()?.GetName().Version?.ToString(3);
        return resource.AddService(serviceName, serviceVersion: version);
    }
}
