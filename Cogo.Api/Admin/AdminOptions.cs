using System.Security.Cryptography;
using System.Text;

namespace Cogo.Api.Admin;

/// <summary>Who may call the admin endpoints. Holds the token's hash, never the token.</summary>
public sealed record AdminOptions
{
    /// <summary>The setting with the token.</summary>
    public const string TokenSetting = "QUALITY_NOTIFY_ADMIN_TOKEN";

    private const int ShortestToken = 16;

    private readonly byte[]? _hash;

    private AdminOptions(byte[]? hash) => _hash = hash;

    /// <summary>False: no token is set, and every call is refused.</summary>
    public bool IsConfigured => _hash is not null;

    /// <summary>Wrong tokens from one address within <see cref="FailureWindow"/>; after them it is turned away.</summary>
    public int FailureLimit { get; init; } = 10;

    public TimeSpan FailureWindow { get; init; } = TimeSpan.FromMinutes(1);

    /// <exception cref="FormatException">The token is too short, or cannot be sent in a header; the message does not repeat it.</exception>
    public static AdminOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return Of(configuration[TokenSetting]?.Trim());
    }

    /// <param name="token">Null or empty: none.</param>
    /// <inheritdoc cref="Read" path="/exception" />
    public static AdminOptions Of(string? token)
    {
        if (string.IsNullOrEmpty(token))
        {
            return new AdminOptions((byte[]?)null);
        }

        return token.Length >= ShortestToken && token.All(c => c is > ' ' and <= '~')
            ? new AdminOptions(Hash(token))
            : throw new FormatException($"{TokenSetting} must have at least {ShortestToken} visible ASCII characters without spaces: make one with `openssl rand -hex 32`.");
    }

    /// <summary>Takes as long whichever character differs: hashes of one length are compared whole.</summary>
    public bool IsToken(string presented) => _hash is not null && CryptographicOperations.FixedTimeEquals(_hash, Hash(presented));

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
