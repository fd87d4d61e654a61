using System.Diagnostics.Metrics;
using Cogo.Core;
using Cogo.Core.Metrics;
using Cogo.ServiceDefaults;
using Npgsql;

namespace Cogo.Api.Metrics;

/// <summary>
/// The figures of the API as OpenTelemetry gauges: read from the database once a minute, over the last hour, and only
/// where telemetry is exported.
/// </summary>
internal sealed partial class FigureMeter : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly MetricsWindow Window = new(TimeSpan.FromHours(1));

    private readonly MetricsReader _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<FigureMeter> _logger;
    private volatile MetricsSummary? _latest;

    public FigureMeter(MetricsReader metrics, TimeProvider time, ILogger<FigureMeter> logger)
    {
        (_metrics, _time, _logger) = (metrics, time, logger);
        var meter = CogoTelemetry.Meter;
        meter.CreateObservableGauge("cogo.tasks.ended", Tasks, "{task}", "Tasks that ended within the last hour, by verdict");
        meter.CreateObservableGauge("cogo.stage.latency", Latency, "s", "Latency of a stage within the last hour, by quantile");
        meter.CreateObservableGauge("cogo.failure_rate", () => Share(_latest?.Tasks.FailureRate), "1", "Share of ended tasks that the system failed");
        meter.CreateObservableGauge("cogo.decision_quality", () => Share(_latest?.DecisionQuality.Score), "1", "Share of judged decisions that held");
        meter.CreateObservableGauge("cogo.gate.pass_rate", () => Share(_latest?.Gates.PassRate), "1", "Share of traces whose last gate passed");
    }

    /// <summary>Adds it when telemetry is exported.</summary>
    public static void Add(IHostApplicationBuilder builder)
    {
        if (!string.IsNullOrWhiteSpace(builder.Configuration[Telemetry.EndpointSetting]))
        {
            builder.Services.AddHostedService<FigureMeter>();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                _latest = await _metrics.SummaryAsync(new MetricsScope(Window), stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                // No figure is better than an old one.
                _latest = null;
                LogNotRead(e);
            }

            try
            {
                await Task.Delay(Interval, _time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private IEnumerable<Measurement<long>> Tasks() => _latest is not { Tasks: var tasks }
        ? []
        :
        [
            new(tasks.Passed, Tag("verdict", "passed")),
            new(tasks.Failed, Tag("verdict", "failed")),
            new(tasks.Invalid, Tag("verdict", "invalid")),
            new(tasks.Infrastructure, Tag("verdict", "infrastructure")),
        ];

    private IEnumerable<Measurement<double>> Latency() => (_latest?.Latency ?? []).SelectMany(stage => new Measurement<double>[]
    {
        new(stage.P50Ms / 1000, Tag("stage", stage.Stage), Tag("quantile", "0.5")),
        new(stage.P90Ms / 1000, Tag("stage", stage.Stage), Tag("quantile", "0.9")),
        new(stage.P99Ms / 1000, Tag("stage", stage.Stage), Tag("quantile", "0.99")),
    });

    private static IEnumerable<Measurement<double>> Share(double? share) => share is { } value ? [new(value)] : [];

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    [LoggerMessage(EventId = 2020, Level = LogLevel.Warning, Message = "The figures for telemetry could not be read; trying again in a minute")]
    private partial void LogNotRead(Exception exception);
}
