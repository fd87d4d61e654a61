using Cogo.ServiceDefaults;
using Microsoft.Extensions.Configuration;

namespace Cogo.Cli;

/// <summary>What a verb takes from outside its command line.</summary>
/// <param name="Variable">Reads an environment variable; null when it is not set.</param>
/// <param name="Folder">The working directory, absolute.</param>
/// <param name="Input">Standard input.</param>
/// <param name="Time">The clock.</param>
public sealed record Surroundings(Func<string, string?> Variable, string Folder, Func<Stream> Input, TimeProvider Time)
{
    private static readonly string[] FromEnvironment =
        [Secrets.FolderSetting, Secrets.DatabasePasswordSetting, "ConnectionStrings__cogo", "ConnectionStrings__cogo_listen"];

    /// <summary>The environment's variables, and secrets that come as files; see <see cref="Secrets"/>.</summary>
    /// <exception cref="InputException">A secret cannot be read, or <c>ConnectionStrings__cogo</c> is no connection string.</exception>
    public static Surroundings OfProcess()
    {
        var secrets = new ConfigurationManager();
        secrets.AddInMemoryCollection(FromEnvironment.Select(name => KeyValuePair.Create(Key(name), OfEnvironment(name))));
        return Secrets.TryAdd(secrets, out var problem)
            ? new Surroundings(name => secrets[Key(name)] ?? OfEnvironment(name), Environment.CurrentDirectory, Console.OpenStandardInput, TimeProvider.System)
            : throw new InputException(problem);
    }

    private static string Key(string variable) => variable.Replace("__", ConfigurationPath.KeyDelimiter, StringComparison.Ordinal);

    private static string? OfEnvironment(string name) =>
        Environment.GetEnvironmentVariable(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;

    /// <summary>A path as the user means it: relative to the working directory.</summary>
    public string FullPath(string path) => Path.GetFullPath(path, Folder);
}
