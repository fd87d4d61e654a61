using Cogo.Core.Admin;
using Cogo.Core.Bus;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.OpenApi;
using Npgsql;

namespace Cogo.Api.Admin;

/// <summary><c>/api/admin/**</c>: what only the holder of the admin token may do.</summary>
internal static class AdminApi
{
    private const string SchemeName = "admin_token";

    /// <summary>Adds what they need; <see cref="AdminOptions"/> added before are kept.</summary>
    /// <exception cref="FormatException">The token cannot be used.</exception>
    public static void AddAdmin(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.TryAddSingleton(AdminOptions.Read(builder.Configuration));
        services.AddSingleton<AdminFailures>();
        services.AddSingleton(provider => new AdminRequests(provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<BusOptions>().WorkerId));
        services.Configure<OpenApiOptions>("v1", options => options.AddDocumentTransformer((document, _, _) =>
        {
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal);
            document.Components.SecuritySchemes[SchemeName] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Header,
                Name = AdminGate.Header,
                Description = $"The value of {AdminOptions.TokenSetting} where the server runs. Without one nobody is let in.",
            };
            return Task.CompletedTask;
        }));
    }

    /// <summary>Maps them behind their gate.</summary>
    public static void MapAdmin(this WebApplication app)
    {
        app.UseMiddleware<AdminGate>();
        var group = app.MapGroup("/api/admin")
            .WithTags("Admin")
            .WithMetadata(AdminOnly.Instance)
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status429TooManyRequests)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .AddOpenApiOperationTransformer((operation, context, _) =>
            {
                operation.Security ??= [];
                operation.Security.Add(new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(SchemeName, context.Document)] = [] });
                return Task.CompletedTask;
            });
        group.MapNotify();
        group.MapWeekly();
        group.MapSnapshot();
    }
}
