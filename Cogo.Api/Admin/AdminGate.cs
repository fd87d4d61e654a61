using System.Diagnostics;
using System.Globalization;
using Cogo.Api.Problems;
using Cogo.Core.Admin;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using Npgsql;

namespace Cogo.Api.Admin;

/// <summary>Marks an endpoint that wants the admin token.</summary>
internal sealed class AdminOnly
{
    public static AdminOnly Instance { get; } = new();
}

/// <summary>
/// Lets requests for <see cref="AdminOnly"/> endpoints by when they have the token. Stands before the endpoint reads its
/// request, so that a stranger learns nothing of what it takes.
/// </summary>
internal sealed partial class AdminGate(RequestDelegate next, AdminOptions options, AdminFailures failures, AdminRequests audit, ILogger<AdminGate> logger)
{
    /// <summary>The header with the token.</summary>
    public const string Header = "x-admin-token";

    /// <summary>RFC 9110 wants a scheme named with a 401.</summary>
    private const string Challenge = $"AdminToken realm=\"cogo\", header=\"{Header}\"";

    public async Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<AdminOnly>() is null)
        {
            await next(context);
            return;
        }

        context.Response.Headers.CacheControl = "no-store";
        if (await RefusalAsync(context) is { } refusal)
        {
            await refusal.ExecuteAsync(context);
            return;
        }

        await next(context);
    }

    private async Task<ProblemHttpResult?> RefusalAsync(HttpContext context)
    {
        if (!options.IsConfigured)
        {
            return Problem.Of(StatusCodes.Status403Forbidden, "admin_not_configured", $"This server has no admin token, so nobody may do this: set {AdminOptions.TokenSetting} where it runs, and start it again.");
        }

        if (!context.Request.Headers.TryGetValue(Header, out var presented))
        {
            context.Response.Headers[HeaderNames.WWWAuthenticate] = Challenge;
            return Problem.Of(StatusCodes.Status401Unauthorized, "admin_token_missing", $"This needs the header {Header} with the value of {AdminOptions.TokenSetting}.");
        }

        var address = context.Connection.RemoteIpAddress;
        if (options.IsToken(presented.ToString()))
        {
            return failures.Locked(address) is { } left ? TooMany(context, left) : null;
        }

        if (failures.Count(address) is { } wait)
        {
            return TooMany(context, wait);
        }

        await AuditAsync(context);
        context.Response.Headers[HeaderNames.WWWAuthenticate] = Challenge;
        return Problem.Of(StatusCodes.Status401Unauthorized, "admin_token_wrong", $"The value of {Header} is not that of {AdminOptions.TokenSetting} where the server runs. After {options.FailureLimit} of them this address has to wait.");
    }

    private static ProblemHttpResult TooMany(HttpContext context, TimeSpan wait)
    {
        var seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers.RetryAfter = seconds;
        return Problem.Of(StatusCodes.Status429TooManyRequests, "too_many_admin_failures", $"Too many wrong admin tokens came from this address: try again in {seconds} s, with the right one.");
    }

    private async Task AuditAsync(HttpContext context)
    {
        var operation = $"{context.Request.Method} {(context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText}";
        var address = AdminTrace.Address(context);
        LogRefused(operation, address);
        try
        {
            await audit.AuditRefusalAsync(operation, AdminTrace.Id(), address, context.RequestAborted);
        }
        catch (NpgsqlException e)
        {
            // The refusal stands without it, and the log above has it.
            LogNotAudited(e);
        }
    }

    [LoggerMessage(EventId = 2030, Level = LogLevel.Warning, Message = "{Operation} was refused: wrong admin token from {Address}")]
    private partial void LogRefused(string operation, string? address);

    [LoggerMessage(EventId = 2031, Level = LogLevel.Warning, Message = "The refusal could not be audited")]
    private partial void LogNotAudited(Exception exception);
}

/// <summary>What the audit says of a request.</summary>
internal static class AdminTrace
{
    public static string Id() => (Activity.Current?.TraceId ?? ActivityTraceId.CreateRandom()).ToHexString();

    public static string? Address(HttpContext context)
    {
        var address = context.Connection.RemoteIpAddress;
        return (address?.IsIPv4MappedToIPv6 == true ? address.MapToIPv4() : address)?.ToString();
    }
}
