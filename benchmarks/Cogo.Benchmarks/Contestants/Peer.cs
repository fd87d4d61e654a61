using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cogo.Benchmarks.Contestants;

/// <summary>A queue from npm: a script that takes the workload as JSON and answers with one JSON line a measurement.</summary>
internal sealed class Peer(string name, string script, PeerScripts scripts, string connectionUri) : IContestant
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web);

    public string Name => name;

    public async Task<IReadOnlyDictionary<string, double>> RunAsync(Workload workload, CancellationToken cancellationToken)
    {
        var asked = (JsonObject)JsonSerializer.SerializeToNode(workload, CamelCase)!;
        asked["connectionString"] = connectionUri;
        asked["mode"] = JsonNamingPolicy.SnakeCaseLower.ConvertName(workload.Kind.ToString());
        asked.Remove("kind");
        var output = await ToolProcess.RunAsync(
            scripts.Node, [scripts.Script(script), asked.ToJsonString()], null, null, line => Console.Error.WriteLine($"  {name}: {line}"), cancellationToken);
        var figures = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            foreach (var (key, value) in JsonSerializer.Deserialize<Dictionary<string, double>>(line)!)
            {
                figures[key] = value;
            }
        }

        return figures.Count > 0 ? figures : throw new InvalidOperationException($"{name} measured nothing: {output}");
    }
}
