using Cogo.Core.Pipeline;
using Cogo.Tests.Fixtures;
using Cogo.Workers.BuildTest;
using Cogo.Workers.BuildTest.Projects;
using Xunit;

namespace Cogo.Tests.BuildTest;

public sealed class ProjectDetectorTests : IDisposable
{
    private readonly BuildTestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private (ProjectPlan? Plan, DetectionProblem? Problem) Detect() => ProjectDetector.Detect(new ProjectFolder(_folder.Copy, "/r", "/t"));

    private string[] Commands(params string[] files)
    {
        foreach (var file in files)
            _folder.With(file.Split('|')[0], file.Contains('|', StringComparison.Ordinal) ? file.Split('|', 2)[1] : "x");
        var (plan, problem) = Detect();
        Assert.True(plan is not null, problem?.Message);
        return [plan.Kind, .. plan.Stages.Select(stage => $"{stage.Name}: {stage.Command}")];
    }

    [Fact]
    public async Task Nothing_known_asks_for_a_cogo_json()
    {
        var report = await _folder.With("notes.txt", "x").RunAsync();

        Assert.Equal((Verdict.Invalid, FailureClass.Unsupported), (report.Verdict, report.FailureClass));
        Assert.Contains("cogo.json", report.Message, StringComparison.Ordinal);
        Assert.Empty(report.Stages);
    }

    [Fact]
    public void A_solution_is_restored_built_and_tested_with_trx() => Assert.Equal(
        [
            "dotnet", "restore: dotnet restore App.slnx", "build: dotnet build App.slnx --no-restore --nologo",
            "test: dotnet test App.slnx --no-build --nologo --logger 'trx;LogFilePrefix=dotnet' --results-directory /r",
        ],
        Commands("App.slnx", "App.sln", "package.json|{}"));

    [Fact]
    public void Without_a_solution_the_only_test_project_is_found() => Assert.Equal(
        "restore: dotnet restore test/T/T.csproj",
        Commands("src/A/A.csproj|<Project/>", "test/T/T.csproj|<PackageReference Include=\"Microsoft.NET.Test.Sdk\"/>")[1]);

    [Fact]
    public void Microsoft_testing_platform_has_its_own_arguments() => Assert.Equal(
        "test: dotnet test --solution App.sln --no-build --results-directory /r --report-trx",
        Commands("App.sln", "global.json|{\"test\":{\"runner\":\"Microsoft.Testing.Platform\"}}")[3]);

    [Fact]
    public void Two_solutions_are_a_question()
    {
        _folder.With("A.sln", "").With("B.sln", "");

        var problem = Detect().Problem!;
        Assert.Equal(FailureClass.Unsupported, problem.Class);
        Assert.Contains("A.sln, B.sln", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("package-lock.json", "npm ci --no-audit --no-fund")]
    [InlineData("pnpm-lock.yaml", "pnpm install --frozen-lockfile")]
    [InlineData("yarn.lock", "yarn install --frozen-lockfile")]
    [InlineData("README", "npm install --no-audit --no-fund --no-package-lock")]
    public void The_lock_file_names_the_package_manager(string lockFile, string command) =>
        Assert.Equal("restore: " + command, Commands("package.json|{\"dependencies\":{\"a\":\"1\"}}", lockFile)[1]);

    [Theory]
    [InlineData("node --test", "test: node --test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit \"--test-reporter-destination=$COGO_RESULTS/node.xml\" --test")]
    [InlineData("tsc && node --import tsx --test 'src/**/*.test.ts'", "test: tsc && node --test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit \"--test-reporter-destination=$COGO_RESULTS/node.xml\" --import tsx --test 'src/**/*.test.ts'")]
    [InlineData("node run.js --testing", "test: npm test")]
    [InlineData("vitest", "test: npm test -- --run --reporter=default --reporter=junit --outputFile.junit=/r/node.xml")]
    [InlineData("vitest run --coverage", "test: npm test -- --reporter=default --reporter=junit --outputFile.junit=/r/node.xml")]
    [InlineData("jest", "test: npm test -- --ci --reporters=default --reporters=/t/jest-reporter.cjs")]
    [InlineData("eslint . && mocha", "test: npm test -- --reporter xunit --reporter-option output=/r/node.xml")]
    [InlineData("echo \\\"Error: no test specified\\\" && exit 1", "test: node --test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit --test-reporter-destination=/r/node.xml --test")]
    public void The_test_script_s_runner_is_asked_for_a_report(string script, string command) =>
        Assert.Equal(["node", command], Commands($"package.json|{{\"scripts\":{{\"test\":\"{script}\"}}}}"));

    [Fact]
    public void A_build_script_is_a_stage_and_a_broken_package_json_a_problem()
    {
        Assert.Equal("build: npm run build", Commands("package.json|{\"scripts\":{\"build\":\"tsc\"}}")[1]);

        _folder.With("package.json", "{ nonsense");
        Assert.Contains("package.json", Detect().Problem!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Python_requirements_go_to_an_environment_outside_the_working_copy()
    {
        Assert.Equal(["python", "test: python3 /t/python_tests.py"], Commands("tests/test_a.py"));

        var installed = Commands("requirements.txt", "pyproject.toml|[build-system]\n[project.optional-dependencies]\ndocs = []\ntest = ['pytest']\n");
        Assert.EndsWith("pip install --no-input --disable-pip-version-check -r requirements.txt -e '.[test]'", installed[1], StringComparison.Ordinal);
        Assert.Equal("test: /t/venv/bin/python /t/python_tests.py", installed[2]);
    }

    [Fact]
    public void Go_rust_and_make_have_their_stages()
    {
        Assert.Equal(["make", "test: make check"], Commands("Makefile|all:\n\techo\ncheck: all\n\ttrue\n"));
        Assert.StartsWith("test: cargo test --workspace --tests --no-fail-fast --locked --config ", Commands("Cargo.toml", "Cargo.lock")[3], StringComparison.Ordinal);
        Assert.Equal(["go", "restore: go mod download", "build: go build ./...", "test: go test -json -count=1 ./..."], Commands("go.mod|module m\nrequire x v1\n"));
    }

    [Fact]
    public void Cogo_json_comes_before_everything() =>
        Assert.Equal(["cogo.json", "build: make", "test: ./t"], Commands("App.sln", "package.json|{}", "cogo.json|{\"build\":\"make\",\"test\":\"./t\"}"));

    [Theory]
    [InlineData("{}", "'test' is missing")]
    [InlineData("", "does not read")]
    [InlineData("[]", "does not read")]
    [InlineData("{\"test\":\"t\",\"tset\":\"t\"}", "tset")]
    [InlineData("{\"test\":[\"t\"]}", "$.test")]
    [InlineData("{\"test\":\"t\",\"reports\":[{\"path\":\"../a.xml\"}]}", "leaves the folder")]
    [InlineData("{\"test\":\"t\",\"reports\":[{\"path\":\"/a.xml\"}]}", "leaves the folder")]
    [InlineData("{\"test\":\"t\",\"reports\":[{}]}", "no 'path'")]
    [InlineData("{\"test\":\"t\",\"reports\":[{\"path\":\"a\",\"format\":\"html\"}]}", "$.reports[0].format")]
    [InlineData("{\"test\":\"t\",\"limits\":{\"processes\":0}}", "limits.processes")]
    [InlineData("{\"test\":\"t\",\"limits\":{\"wall_clock_seconds\":1e30}}", "limits.wall_clock_seconds")]
    public async Task A_wrong_cogo_json_is_the_requests_fault_and_says_where(string text, string what)
    {
        var report = await _folder.With("cogo.json", text).RunAsync();

        Assert.Equal((Verdict.Invalid, FailureClass.InvalidCogoJson), (report.Verdict, report.FailureClass));
        Assert.Contains(what, report.Message, StringComparison.Ordinal);
        Assert.True(text.Length == 0 || text.Contains("..", StringComparison.Ordinal) || text.Contains("/a.xml", StringComparison.Ordinal)
            || (await ReportSchema.ErrorsAsync("configs/cogo.schema.json", text))[0].Length > 0, "The schema takes it.");
    }

    [Fact]
    public async Task The_samples_keep_the_schema_of_cogo_json()
    {
        string[] samples = [.. Directory.EnumerateFiles(Repository.PathOf("samples"), "cogo.json", SearchOption.AllDirectories).Select(File.ReadAllText)];
        Assert.NotEmpty(samples);
        Assert.All(await ReportSchema.ErrorsAsync("configs/cogo.schema.json", samples), error => Assert.Equal("", error));
    }
}
