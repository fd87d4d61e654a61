using System.Reflection;
using System.Text.Json.Serialization;
using Cogo.Api.Admin;
using Cogo.Api.Artifacts;
using Cogo.Api.Indexing;
using Cogo.Api.Integration;
using Cogo.Api.Limits;
using Cogo.Api.Metrics;
using Cogo.Api.Orchestrator;
using Cogo.Api.Pipeline;
using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Api.Workflows;
using Cogo.Core;
using Cogo.Core.Artifacts;
using Cogo.Core.Audit;
using Cogo.Core.Gates;
using Cogo.Core.Indexing;
using Cogo.Core.Metrics;
using Cogo.Core.Workflows;
using Cogo.ServiceDefaults;

namespace Cogo.Api;

/// <summary>The HTTP API, to be put into any web host.</summary>
public static class CogoApi
{
    /// <summary>Of Cogo, such as <c>0.1.0</c>.</summary>
    public static string Version { get; } = typeof(CogoApi).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>
    /// Adds what the endpoints need. Wants service defaults, a data source and an
    /// <see cref="Cogo.Core.Bus.IPublisher"/> beside it.
    /// </summary>
    /// <exception cref="FormatException">A setting cannot be read; the message names it.</exception>
    public static WebApplicationBuilder AddCogoApi(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var limits = ApiLimits.Read(builder.Configuration);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = limits.BodyLimitBytes;
        });
        var services = builder.Services;
        services.AddSingleton(limits);
        ClientLimits.Add(services, limits);
        services.AddCogoArtifacts(builder.Configuration).AddCogoArtifactCheck();
        services.AddCodeIndex();
        services.AddSingleton<TraceReader>();
        services.AddSingleton<SystemStatus>();
        services.AddCogoWorkflows(builder.Configuration);
        services.AddSingleton<TemplateAvailability>();
        services.AddSingleton(PlannerOptions.Read(builder.Configuration));
        services.AddSingleton<ModelPlanner>();
        services.AddSingleton<EventReader>();
        services.AddSingleton<GateReader>();
        services.AddSingleton<MetricsReader>();
        services.AddSingleton(ThresholdsFile.Read(builder.Configuration));
        FigureMeter.Add(builder);
        builder.AddAdmin();
        services.ConfigureHttpJsonOptions(options =>
        {
            CogoJson.Configure(options.SerializerOptions);
            // A number in quotes is a text, as the document says.
            options.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
        });
        // In every environment: the exception handler turns it into a problem that names the field.
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        services.AddProblemDetails(options => options.CustomizeProblemDetails = Problem.Complete);
        services.AddExceptionHandler<ApiExceptionHandler>();
        services.AddOpenApi("v1", ApiDescription.Describe);
        return builder;
    }

    /// <summary>Maps the API, its OpenAPI document, the reference page and the health checks.</summary>
    public static WebApplication MapCogoApi(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UseCogoRequestSpans();
        app.UseLeftBody();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        ClientLimits.Use(app);
        app.UseKnownCharset();
        app.MapCogoHealth();
        app.MapCodeBuildTest();
        app.MapPipelineExecute();
        app.MapWorkflows();
        app.MapOrchestrator();
        app.MapIndexing();
        app.MapCodeIndex();
        app.MapIntegrationStatus();
        app.MapTrace();
        app.MapFigures();
        app.MapEvents();
        app.MapGates();
        app.MapArtifacts();
        app.MapAdmin();
        app.MapOpenApi();
        app.MapScalar();
        app.MapGet("/", () => TypedResults.Redirect("/scalar")).ExcludeFromDescription();
        return app;
    }
}
