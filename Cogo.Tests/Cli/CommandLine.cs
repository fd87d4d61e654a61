using System.Text;
using System.Text.Json;
using Cogo.Cli;

namespace Cogo.Tests.Cli;

/// <summary>The command line as a shell would run it, but in this process: own variables, folder, input and terminal.</summary>
internal sealed class CommandLine(string folder)
{
    public Dictionary<string, string> Variables { get; } = new(StringComparer.Ordinal);

    public byte[] Input { get; set; } = [];

    /// <summary>What was written so far, safe to read while it runs.</summary>
    public SharedWriter Out { get; } = new();

    public async Task<Ran> RunAsync(string[] arguments, CancellationToken cancellationToken = default)
    {
        var error = new SharedWriter();
        var before = Out.ToString().Length;
        var code = await CogoCommandLine.RunAsync(
            arguments,
            new Terminal(Out, error, interactive: false),
            new Surroundings(name => Variables.GetValueOrDefault(name), folder, () => new MemoryStream(Input), TimeProvider.System),
            cancellationToken);
        return new Ran(code, Out.ToString()[before..], error.ToString());
    }
}

/// <summary>How a command line ended.</summary>
internal sealed record Ran(int Code, string Output, string Error)
{
    /// <summary>Every line is one JSON object.</summary>
    public IReadOnlyList<JsonElement> Lines =>
        [.. Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<JsonElement>(line))];

    public override string ToString() => $"exit {Code}\n{Output}\n{Error}";
}

/// <summary>A writer that several threads may use.</summary>
internal sealed class SharedWriter : TextWriter
{
    private readonly StringBuilder _text = new();

    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value)
    {
        lock (_text)
        {
            _text.Append(value);
        }
    }

    public override void Write(string? value)
    {
        lock (_text)
        {
            _text.Append(value);
        }
    }

    public override string ToString()
    {
        lock (_text)
        {
            return _text.ToString();
        }
    }
}
