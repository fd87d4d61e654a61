using System.Globalization;
using System.Net;

namespace Cogo.Api.Limits;

/// <summary>How much one client may ask of one server. A client is an address; of IPv6 its /64.</summary>
internal sealed record ApiLimits
{
    public const string BodyLimitSetting = "COGO_API_BODY_LIMIT_BYTES";
    public const string RequestsPerSecondSetting = "COGO_API_REQUESTS_PER_SECOND";
    public const string BurstSetting = "COGO_API_BURST";
    public const string ConcurrencySetting = "COGO_API_CONCURRENCY";
    public const string TrustedProxiesSetting = "COGO_API_TRUSTED_PROXIES";

    private const int LargestBody = 5 * 1024 * 1024;
    private const int MostRequests = 1_000_000;

    /// <summary>Largest request body, in bytes: from 1024 to 5 MiB, which is what the bus takes.</summary>
    public int BodyLimitBytes { get; init; } = LargestBody;

    /// <summary>Requests a second that a client may go on sending; 0: no limit.</summary>
    public int RequestsPerSecond { get; init; } = 200;

    /// <summary>Requests that a client may send at once after a pause.</summary>
    public int Burst { get; init; } = 1_000;

    /// <summary>Requests of a client that are being answered at the same time, event streams among them; 0: no limit.</summary>
    public int Concurrency { get; init; } = 200;

    /// <summary>Proxies whose X-Forwarded-For names the client. Others may write there what they like.</summary>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];

    /// <exception cref="FormatException">A setting cannot be read; the message names it.</exception>
    public static ApiLimits Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var defaults = new ApiLimits();
        return new ApiLimits
        {
            BodyLimitBytes = Number(configuration, BodyLimitSetting, 1024, LargestBody) ?? defaults.BodyLimitBytes,
            RequestsPerSecond = Number(configuration, RequestsPerSecondSetting, 0, MostRequests) ?? defaults.RequestsPerSecond,
            Burst = Number(configuration, BurstSetting, 1, MostRequests) ?? defaults.Burst,
            Concurrency = Number(configuration, ConcurrencySetting, 0, MostRequests) ?? defaults.Concurrency,
            TrustedProxies = [.. (configuration[TrustedProxiesSetting] ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Network)],
        };
    }

    private static int? Number(IConfiguration configuration, string name, int least, int most) => configuration[name] switch
    {
        null or "" => null,
        var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most => number,
        var text => throw new FormatException($"{name} is '{text}': set it to a whole number from {least} to {most}."),
    };

    private static IPNetwork Network(string text) =>
        IPNetwork.TryParse(text, out var network) ? network
        : IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
        : throw new FormatException($"{TrustedProxiesSetting} holds '{text}': list addresses or networks such as 10.0.0.5 or 10.0.0.0/8, with commas between them.");
}
