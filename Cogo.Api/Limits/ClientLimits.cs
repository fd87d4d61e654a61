using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using Cogo.Api.Problems;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.RateLimiting;

namespace Cogo.Api.Limits;

/// <summary>
/// Holds every client to <see cref="ApiLimits"/>: a token bucket for its rate, and a count of what it has open. Health checks
/// and whatever has <see cref="DisableRateLimitingAttribute"/> are not counted.
/// </summary>
internal static class ClientLimits
{
    public static void Add(IServiceCollection services, ApiLimits limits)
    {
        services.Configure<ForwardedHeadersOptions>(options =>
        {
            options.ForwardedHeaders = ForwardedHeaders.XForwardedFor;
            // Proxies before proxies: all of them must be trusted ones.
            options.ForwardLimit = null;
            options.KnownProxies.Clear();
            options.KnownIPNetworks.Clear();
            foreach (var network in limits.TrustedProxies)
            {
                options.KnownIPNetworks.Add(network);
            }
        });
        services.AddRateLimiter(options =>
        {
            options.GlobalLimiter = PartitionedRateLimiter.CreateChained(Rate(limits), Concurrency(limits));
            options.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            options.OnRejected = RefuseAsync;
        });
    }

    public static void Use(WebApplication app)
    {
        // With no network it would trust everyone.
        if (app.Services.GetRequiredService<ApiLimits>().TrustedProxies.Count > 0)
        {
            app.UseForwardedHeaders();
        }

        app.UseRateLimiter();
    }

    /// <summary>Who asks, as far as a limit is concerned.</summary>
    internal static string Client(IPAddress? address)
    {
        if (address is null)
        {
            return "";
        }

        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        // Of IPv6 a single customer has a /64 to choose from.
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexString(address.GetAddressBytes(), 0, 8) : address.ToString();
    }

    private static PartitionedRateLimiter<HttpContext> Rate(ApiLimits limits) => PartitionedRateLimiter.Create<HttpContext, string>(context =>
        limits.RequestsPerSecond == 0
            ? RateLimitPartition.GetNoLimiter("")
            : RateLimitPartition.GetTokenBucketLimiter(Client(context.Connection.RemoteIpAddress), _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = limits.Burst,
                TokensPerPeriod = limits.RequestsPerSecond,
                ReplenishmentPeriod = TimeSpan.FromSeconds(1),
                QueueLimit = 0,
            }));

    private static PartitionedRateLimiter<HttpContext> Concurrency(ApiLimits limits) => PartitionedRateLimiter.Create<HttpContext, string>(context =>
        limits.Concurrency == 0
            ? RateLimitPartition.GetNoLimiter("")
            : RateLimitPartition.GetConcurrencyLimiter(Client(context.Connection.RemoteIpAddress), _ => new ConcurrencyLimiterOptions { PermitLimit = limits.Concurrency, QueueLimit = 0 }));

    private static async ValueTask RefuseAsync(OnRejectedContext context, CancellationToken cancellationToken)
    {
        var wait = context.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? Math.Max(1, (int)Math.Ceiling(after.TotalSeconds)) : 1;
        var response = context.HttpContext.Response;
        response.StatusCode = StatusCodes.Status429TooManyRequests;
        response.Headers.RetryAfter = wait.ToString(CultureInfo.InvariantCulture);
        await context.HttpContext.RequestServices.GetRequiredService<IProblemDetailsService>().TryWriteAsync(new ProblemDetailsContext
        {
            HttpContext = context.HttpContext,
            ProblemDetails = Problem.Details(
                StatusCodes.Status429TooManyRequests,
                "too_many_requests",
                $"This client sends more requests than it may: try again in {wait} s, and ask less often. Whoever runs the server sets the limits ({ApiLimits.RequestsPerSecondSetting}, {ApiLimits.ConcurrencySetting})."),
        });
    }
}
