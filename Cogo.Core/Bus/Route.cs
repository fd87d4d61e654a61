using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Cogo.Core.Bus;

/// <summary>
/// Where a message goes: <c>service/role/shard</c>, for example <c>codegen/generate/0</c>.
/// Each part is 1–63 characters of <c>a-z 0-9 . _ -</c> and starts with a letter or a digit.
/// </summary>
public readonly partial record struct Route
{
    /// <summary>Requests to run something; read by the dispatcher.</summary>
    public static readonly Route Execute = new("orchestrator", "execute", "0");

    /// <summary>Requests to produce a change; read by the codegen worker.</summary>
    public static readonly Route Codegen = new("codegen", "generate", "0");

    /// <summary>Requests to build and test a change; read by the build/test worker.</summary>
    public static readonly Route BuildTest = new("code", "build-test", "0");

    /// <summary>Requests to index a repository.</summary>
    public static readonly Route Indexing = new("workflow", "indexing", "0");

    /// <summary>How the steps of workflows ended; read by the workflow worker.</summary>
    public static readonly Route Workflow = new("workflow", "run", "0");

    /// <summary>Service of the routes of jobs: <c>jobs/&lt;queue&gt;/&lt;executor, or 0&gt;</c>.</summary>
    public const string JobService = "jobs";

    /// <exception cref="ArgumentException">A part is empty, too long or holds other characters.</exception>
    public Route(string service, string role, string shard)
    {
        Service = Checked(service, nameof(service));
        Role = Checked(role, nameof(role));
        Shard = Checked(shard, nameof(shard));
    }

    public string Service { get; }

    public string Role { get; }

    public string Shard { get; }

    /// <summary>Reads <c>service/role/shard</c>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Route route)
    {
        route = default;
        var parts = text?.Split('/');
        if (parts is not { Length: 3 } || !parts.All(part => PartPattern().IsMatch(part)))
        {
            return false;
        }

        route = new Route(parts[0], parts[1], parts[2]);
        return true;
    }

    /// <exception cref="FormatException">The text is not a route.</exception>
    public static Route Parse(string text) => TryParse(text, out var route)
        ? route
        : throw new FormatException($"'{text}' is not a route: write service/role/shard, each part of a-z 0-9 . _ - (example: codegen/generate/0).");

    public override string ToString() => $"{Service}/{Role}/{Shard}";

    private static string Checked(string part, string name) => part is not null && PartPattern().IsMatch(part)
        ? part
        : throw new ArgumentException($"'{part}' cannot be the {name} of a route: 1-63 characters of a-z 0-9 . _ - that start with a letter or a digit.", name);

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9._-]{0,62}\z", RegexOptions.None, 1000)]
    private static partial Regex PartPattern();
}
