namespace Cogo.Cli;

/// <summary>What a verb takes from outside its command line.</summary>
/// <param name="Variable">Reads an environment variable; null when it is not set.</param>
/// <param name="Folder">The working directory, absolute.</param>
/// <param name="Input">Standard input.</param>
/// <param name="Time">The clock.</param>
public sealed record Surroundings(Func<string, string?> Variable, string Folder, Func<Stream> Input, TimeProvider Time)
{
    public static Surroundings OfProcess() => new(
        name => Environment.GetEnvironmentVariable(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null,
        Environment.CurrentDirectory,
        Console.OpenStandardInput,
        TimeProvider.System);

    /// <summary>A path as the user means it: relative to the working directory.</summary>
    public string FullPath(string path) => Path.GetFullPath(path, Folder);
}
