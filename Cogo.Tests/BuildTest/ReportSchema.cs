using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Processes;
using Cogo.Tests.Fixtures;
using Cogo.Workers.BuildTest;
using Xunit;

namespace Cogo.Tests.BuildTest;

/// <summary>Holds JSON against the schemas of this repository with Ajv, the validator that others will use too.</summary>
internal static class ReportSchema
{
    private const string Script =
        """
        const { readFileSync } = require('node:fs');
        const Ajv = require('ajv/dist/2020');
        const ajv = new Ajv({ allErrors: true, strict: true, strictRequired: false });
        require('ajv-formats')(ajv);
        const validate = ajv.compile(JSON.parse(readFileSync(process.argv[1], 'utf8')));
        const errors = JSON.parse(readFileSync(0, 'utf8')).map((text) => {
          return validate(JSON.parse(text)) ? '' : ajv.errorsText(validate.errors, { separator: '; ' });
        });
        process.stdout.write(JSON.stringify(errors));
        """;

    public static async Task AssertValidAsync(BuildTestReport report)
    {
        var errors = await ErrorsAsync("configs/report.schema.json", JsonSerializer.Serialize(report, CogoJson.Options));
        Assert.True(errors[0].Length == 0, "report.json breaks its schema: " + errors[0]);
    }

    /// <summary>For each document the validator's complaints; empty: valid.</summary>
    public static async Task<IReadOnlyList<string>> ErrorsAsync(string schema, params string[] documents)
    {
        Assert.True(
            Directory.Exists(Repository.PathOf("node_modules/ajv")), "The JSON schema validator is not there: run 'npm ci' in the repository's root first.");
        var result = await ProcessTree.RunAsync(
            new ProcessSpec
            {
                FileName = "node",
                Arguments = ["-e", Script, Repository.PathOf(schema)],
                WorkingDirectory = Repository.Root,
                StandardInput = JsonSerializer.Serialize(documents),
                Limits = new ProcessLimits { WallClock = TimeSpan.FromSeconds(60) },
            },
            null,
            CancellationToken.None);
        Assert.True(result.Succeeded, result.StandardErrorTail);
        return JsonSerializer.Deserialize<List<string>>(result.StandardOutputTail)!;
    }
}
