using Cogo.Core.Pipeline;
using Cogo.Core.Processes;
using Cogo.Workers.BuildTest;
using Cogo.Workers.BuildTest.Reports;
using Xunit;

namespace Cogo.Tests.BuildTest;

/// <summary>Projects that are detected, built and tested with the real tools; a tool that is not here is skipped.</summary>
public sealed class ToolchainTests : IDisposable
{
    private readonly BuildTestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static async Task NeedsAsync(string tool, params string[] arguments)
    {
        try
        {
            var result = await ProcessTree.RunAsync(new ProcessSpec { FileName = tool, Arguments = arguments, WorkingDirectory = "/" }, null, CancellationToken.None);
            Assert.SkipUnless(result.Succeeded, $"{tool} does not work here: {result.StandardErrorTail}");
        }
        catch (CommandNotFoundException)
        {
            Assert.Skip($"{tool} is not here.");
        }
    }

    private static string Shape(BuildTestReport report) => string.Join(", ", report.Tests.Cases
        .Select(test => $"{test.Name}:{test.Outcome}{(test.File is null ? "" : $"@{test.File}:{test.Line}")}").Order(StringComparer.Ordinal));

    [Fact]
    public async Task A_dotnet_solution_reports_by_trx()
    {
        _folder
            .With("Directory.Build.props", "<Project />").With("Directory.Packages.props", "<Project />")
            .With("App.slnx", """<Solution><Project Path="T/T.csproj" /></Solution>""")
            .With("T/T.csproj", """
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup><TargetFramework>net10.0</TargetFramework><OutputType>Exe</OutputType><ImplicitUsings>enable</ImplicitUsings><NuGetAudit>false</NuGetAudit></PropertyGroup>
                  <ItemGroup>
                    <PackageReference Include="Microsoft.NET.Test.Sdk" Version="18.0.1" />
                    <PackageReference Include="xunit.v3" Version="3.2.2" />
                    <PackageReference Include="xunit.runner.visualstudio" Version="3.1.5" />
                  </ItemGroup>
                </Project>
                """)
            .With("T/T.cs", "using Xunit;\npublic class Sums\n{\n    [Fact] public void Good() => Assert.True(true);\n    [Fact] public void Bad() => Assert.Equal(1, 2);\n}\n");
        var report = await _folder.RunAsync();

        Assert.True(report.FailureClass == FailureClass.TestsFailed, report.Message);
        Assert.Equal("Sums.Bad:Failed@T/T.cs:5, Sums.Good:Passed", Shape(report));
        Assert.Equal(["restore", "build", "test"], report.Stages.Select(stage => stage.Name));
    }

    [Fact]
    public async Task A_dotnet_project_that_does_not_compile_is_not_tested()
    {
        _folder.With("Directory.Build.props", "<Project />").With("Directory.Packages.props", "<Project />")
            .With("A.csproj", """<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup></Project>""")
            .With("A.cs", "class A { int X() => \"one\"; }");
        var report = await _folder.RunAsync();

        Assert.Equal((Verdict.Failed, FailureClass.BuildFailed), (report.Verdict, report.FailureClass));
        Assert.Contains("CS0029", report.Message, StringComparison.Ordinal);
        Assert.Equal(2, report.Stages.Count);
    }

    [Fact]
    public async Task Python_unittest_reports_subtests_errors_and_skips()
    {
        await NeedsAsync("python3", "--version");
        _folder.With("tests/test_a.py", """
            import unittest


            class A(unittest.TestCase):
                def test_good(self):
                    pass

                def test_bad(self):
                    self.assertEqual(1, 2)

                def test_error(self):
                    raise KeyError("\x00<&")

                @unittest.skip("later")
                def test_skipped(self):
                    pass
            """);
        var report = await _folder.RunAsync();

        Assert.True(report.FailureClass == FailureClass.TestsFailed, report.Message);
        Assert.Equal("test_bad:Failed@tests/test_a.py:9, test_error:Errored@tests/test_a.py:12, test_good:Passed, test_skipped:Skipped", Shape(report));
    }

    [Fact]
    public async Task Python_without_pytest_where_the_tests_need_it_is_a_missing_tool()
    {
        await NeedsAsync("python3", "-c", "import sys, importlib.util; sys.exit(importlib.util.find_spec('pytest') is not None)");
        var report = await _folder.With("tests/test_a.py", "import pytest\n\ndef test_a():\n    pass\n").RunAsync();

        Assert.Equal((Verdict.Infrastructure, FailureClass.ToolchainMissing), (report.Verdict, report.FailureClass));
        Assert.Contains("pytest", report.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rust_reports_by_its_own_harness_and_forged_words_stay_out()
    {
        await NeedsAsync("cargo", "--version");
        _folder.With("Cargo.toml", "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\n").With("src/lib.rs", """
            #[cfg(test)]
            mod tests {
                #[test]
                fn good() {
                    println!("test result: ok");
                    std::process::Command::new("echo").arg("<testsuites><testcase name=\"forged\"/></testsuites>").status().unwrap();
                }

                #[test]
                fn bad() {
                    assert_eq!(1 + 1, 3);
                }

                #[test]
                #[ignore]
                fn later() {}
            }
            """);
        var report = await _folder.RunAsync();

        Assert.True(report.FailureClass == FailureClass.TestsFailed, report.Message);
        // The harness leaves ignored tests out of its report.
        Assert.Equal("bad:Failed@src/lib.rs:11, good:Passed", Shape(report));
    }

    [Fact]
    public async Task Make_reports_are_found_by_their_usual_names()
    {
        await NeedsAsync("make", "--version");
        _folder.With("Makefile", "test:\n\tmkdir -p out && printf '1..1\\nok 1 - made\\n' > out/suite.tap\n");

        Assert.Equal("made:Passed", Shape(await _folder.RunAsync()));
    }

    [Fact]
    public async Task A_toolchain_that_is_not_installed_is_the_machines_fault()
    {
        (string Tool, string File, string Content)[] toolchains = [("go", "go.mod", "module m\n"), ("cargo", "Cargo.toml", "[package]\nname = \"m\"\n")];
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        var missing = toolchains.FirstOrDefault(one => !folders.Any(folder => File.Exists(Path.Combine(folder, one.Tool))));
        Assert.SkipWhen(missing.Tool is null, "All toolchains are installed.");
        var report = await _folder.With(missing.File, missing.Content).RunAsync();

        Assert.Equal((Verdict.Infrastructure, FailureClass.ToolchainMissing), (report.Verdict, report.FailureClass));
        Assert.Contains($"'{missing.Tool}'", report.Message, StringComparison.Ordinal);
        Assert.Empty(report.Stages);
    }

    [Fact]
    public async Task Node_s_own_runner_reports_a_test_file_that_does_not_load()
    {
        _folder.With("package.json", "{}").With("test/a.test.js", "const { test } = require('node:test');\ntest('fine', () => {});\n").With("test/b.test.js", "throw new Error('early');\n");
        var report = await _folder.RunAsync();

        Assert.Equal(FailureClass.TestsFailed, report.FailureClass);
        Assert.Contains(report.Tests.Cases, test => test.Outcome == TestOutcome.Passed && test.Name == "fine");
        Assert.Contains("b.test.js", report.Message, StringComparison.Ordinal);
    }
}
