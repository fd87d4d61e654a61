using Microsoft.Extensions.Configuration;

namespace Cogo.Tests.Fixtures;

/// <summary>Configuration out of pairs, as environment variables would give it.</summary>
internal static class Settings
{
    public static IConfiguration Of(params (string Name, string? Value)[] pairs) =>
        new ConfigurationBuilder().AddInMemoryCollection(pairs.ToDictionary(pair => pair.Name, pair => pair.Value)).Build();
}
