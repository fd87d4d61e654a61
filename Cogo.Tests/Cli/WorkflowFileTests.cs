using System.Text.RegularExpressions;
using Cogo.Cli;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Cli;

/// <summary>The workflows of CI call this command line: what they call must exist.</summary>
public sealed partial class WorkflowFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, string[]> Files => new()
    {
        { "quality-gate.yml", ["ci gate q1"] },
        { "scheduled-ops.yml", ["metrics snapshot", "weekly enqueue"] },
        { "db-mode-integration.yml", ["migrate", "dev", "smoke dispatcher", "smoke workflows", "smoke buildtest", "smoke gate-trace", "ci gates accept"] },
    };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_command_that_a_workflow_calls_exists_with_its_options(string file, string[] commands)
    {
        var lines = Call().Matches(await File.ReadAllTextAsync(Repository.PathOf($".github/workflows/{file}")))
            .Select(match => match.Groups["line"].Value.Trim()).ToList();

        Assert.Equal(commands.Order(StringComparer.Ordinal), lines.Select(line => line.Split(" --")[0]).Order(StringComparer.Ordinal));
        foreach (var line in lines)
        {
            // --help answers for the command that is named, and an unknown option is an error before it.
            var ran = await new CommandLine(_folder.Path).RunAsync([.. line.Split(' '), "--help"]);
            Assert.True(ran.Code == 0, $"{line}: {ran}");
            Assert.Contains($"cogo {line.Split(" --")[0]}".Split(' ')[^1], ran.Output, StringComparison.Ordinal);
            foreach (var option in line.Split(' ').Where(word => word.StartsWith("--", StringComparison.Ordinal)))
            {
                Assert.Contains(option, ran.Output, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task No_workflow_calls_what_does_not_parse()
    {
        var root = CogoCommandLine.Create(
            new Terminal(TextWriter.Null, TextWriter.Null, interactive: false), new Surroundings(_ => null, _folder.Path, () => Stream.Null, TimeProvider.System));
        // The parser tells a wrong line from a right one.
        Assert.NotEmpty(root.Parse("weekly enqueue --picturesque x").Errors);
        var files = Directory.GetFiles(Repository.PathOf(".github/workflows"));
        Assert.Equal(Files.Select(file => file.Data.Item1).Order(StringComparer.Ordinal), files.Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        foreach (var file in files)
        {
            var text = await File.ReadAllTextAsync(file);
            var calls = AnyCall().Matches(text).Select(match => match.Groups["line"].Value.Trim()).ToList();

            // Each mention of the program is a build or one of these.
            Assert.Equal(Regex.Count(text, @"Cogo\.Cli", RegexOptions.None, TimeSpan.FromSeconds(1)), calls.Count + Regex.Count(text, @"dotnet build Cogo\.Cli", RegexOptions.None, TimeSpan.FromSeconds(1)));
            foreach (var line in calls)
            {
                Assert.Equal([], root.Parse(line).Errors.Select(error => $"{Path.GetFileName(file)}: cogo {line}: {error.Message}"));
            }
        }
    }

    [Fact]
    public async Task Scheduled_work_runs_at_the_hours_that_were_agreed()
    {
        var text = await File.ReadAllTextAsync(Repository.PathOf(".github/workflows/scheduled-ops.yml"));

        Assert.Contains("cron: \"0 2 * * *\"", text, StringComparison.Ordinal);
        Assert.Contains("cron: \"5 2 * * 1\"", text, StringComparison.Ordinal);
        Assert.Contains("workflow_dispatch:", text, StringComparison.Ordinal);
        // A step that waits for another hour than the file names would never run.
        Assert.Equal(2, Regex.Count(text, "github\\.event\\.schedule == '(0 2 \\* \\* \\*|5 2 \\* \\* 1)'", RegexOptions.None, TimeSpan.FromSeconds(1)));
    }

    // A step that is named after a command is not one.
    [GeneratedRegex(@"(dotnet run --project Cogo\.Cli [^\n]*?-- |^\s*(- )?(run: )?cogo )(?<line>[^>|&;\n]+)", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex AnyCall();

    [GeneratedRegex(@"dotnet run --project Cogo\.Cli -c Release --no-build -- (?<line>[^>\n]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Call();
}
