using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Cogo.Core.Processes;
using Xunit;

namespace Cogo.Tests.Processes;

/// <summary>Every test runs real processes, under each way of holding a tree together that this machine can do.</summary>
public sealed class ProcessTreeTests : IDisposable
{
    // The child that is killed below could not remove a folder of its own.
    private readonly string _folder = Environment.GetEnvironmentVariable(ChildFolder) ?? Directory.CreateTempSubdirectory("cogo-tree-").FullName;

    public static TheoryData<Containment> Containments { get; } =
        ProcessTree.BestContainment == Containment.Session
            ? [Containment.Session]
            : [Containment.PidNamespace, Containment.Session];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory, MemberData(nameof(Containments))]
    public async Task Exit_code_output_and_input_pass_through(Containment containment)
    {
        var (result, lines) = await RunAsync(containment, "read word; echo \"out $word\"; echo err >&2; exit 3", spec => spec with { StandardInput = "hello\n" });

        Assert.Equal(3, result.ExitCode);
        Assert.Null(result.Signal);
        Assert.Equal(StopReason.None, result.StopReason);
        Assert.Contains(new OutputLine(OutputStream.StandardOutput, "out hello"), lines);
        Assert.Contains(new OutputLine(OutputStream.StandardError, "err"), lines);
        Assert.Equal("out hello\n", result.StandardOutputTail);
        Assert.Equal("err\n", result.StandardErrorTail);
        Assert.Equal(14, result.OutputBytes);
    }

    [Theory, MemberData(nameof(Containments))]
    public async Task Without_input_the_command_reads_an_end_at_once(Containment containment)
    {
        var (result, _) = await RunAsync(containment, "cat; echo done");

        Assert.Equal("done\n", result.StandardOutputTail);
    }

    [Theory, MemberData(nameof(Containments))]
    public async Task A_signal_is_told_by_name(Containment containment)
    {
        var (result, _) = await RunAsync(containment, "kill -SEGV $$");

        Assert.Null(result.ExitCode);
        Assert.Equal("SIGSEGV", result.Signal);
        Assert.Equal(StopReason.None, result.StopReason);
        Assert.False(result.Succeeded);
    }

    [Theory, MemberData(nameof(Containments))]
    public async Task A_hang_ends_at_the_wall_clock(Containment containment)
    {
        var (result, _) = await RunAsync(
            containment, "while :; do echo tick; sleep 0.05; done", spec => Limit(spec, new ProcessLimits { WallClock = TimeSpan.FromSeconds(0.7) }));

        Assert.Equal(StopReason.WallClock, result.StopReason);
        Assert.Null(result.ExitCode);
        Assert.InRange(result.Duration.TotalSeconds, 0.7, 10);
        Assert.Contains("tick", result.StandardOutputTail, StringComparison.Ordinal);
        await AssertGoneAsync();
    }

    [Theory, MemberData(nameof(Containments))]
    public async Task Silence_ends_at_the_no_output_limit_and_output_keeps_it_alive(Containment containment)
    {
        var limits = new ProcessLimits { NoOutput = TimeSpan.FromSeconds(1) };
        var (silent, _) = await RunAsync(containment, "echo once; sleep 1000", spec => Limit(spec, limits));
        var (talking, _) = await RunAsync(containment, "for i in 1 2 3 4 5 6; do echo $i; sleep 0.25; done", spec => Limit(spec, limits));

        Assert.Equal(StopReason.NoOutput, silent.StopReason);
        Assert.Equal(StopReason.None, talking.StopReason);
        Assert.Equal(0, talking.ExitCode);
        await AssertGoneAsync();
    }

    [Theory, MemberData(nameof(Containments))]
    public async Task A_tree_that_eats_memory_is_ended_and_its_peak_recorded(Containment containment)
    {
        const long limit = 150 * 1024 * 1024;
        // Two processes, each below the limit.
        var (result, _) = await RunAsync(
            containment,
            "eat() { node -e 'const kept=[]; setInterval(() => { if (kept.length < 12) kept.push(Buffer.alloc(8 << 20, 1)); }, 20)'; }; eat & eat & wait",
            spec => Limit(spec, new ProcessLimits { MemoryBytes = limit, WallClock = TimeSpan.FromSeconds(30) }));

        Assert.Equal(StopReason.Memory, result.StopReason);
        Assert.True(result.PeakMemoryBytes > limit, $"peak {result.PeakMemoryBytes}");
        await AssertGoneAsync();
    }

    [Theory, MemberData(nameof(Containments))]
    public async Task Endless_output_without_a_newline_is_cut_and_ended(Containment containment)
    {
        var longest = 0;
        var spec = Limit(Spec("tr '\\0' x </dev/zero"), new ProcessLimits { OutputBytes = 5_000_000, WallClock = TimeSpan.FromSeconds(30) });
        var result = await ProcessTree.RunAsync(spec, line => longest = Math.Max(longest, line.Text.Length), containment, CancellationToken.None);

        Assert.Equal(StopReason.Output, result.StopReason);
        Assert.Equal(16 * 1024, longest);
        Assert.Equal(64 * 1024, result.StandardOutputTail.Length);
        Assert.True(result.OutputBytes > 5_000_000);
        await AssertGoneAsync();
    }

    [Theory, MemberData(nameof(Containments))]
    public async Task Forking_for_ever_is_ended_whole(Containment containment)
    {
        // Would stop by itself at 200, so that a failing test leaves the machine usable.
        var (result, _) = await RunAsync(
            containment,
            "i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i + 1)); done; wait",
            spec => Limit(spec, new ProcessLimits { Processes = 40, WallClock = TimeSpan.FromSeconds(20) }));

        Assert.Equal(StopReason.Processes, result.StopReason);
        await AssertGoneAsync();
    }

    [Theory, MemberData(nameof(Containments))]
    public async Task A_doubling_fork_bomb_is_ended_whole(Containment containment)
    {
        // 2^7 sleepers at most, orphaned as they go: a failing test leaves the machine usable.
        var (result, _) = await RunAsync(
            containment,
            "bomb() { [ $1 -eq 0 ] && exec sleep 1000; (bomb $(($1 - 1))) & (bomb $(($1 - 1))) & }; bomb 7; exec sleep 1000",
            spec => Limit(spec, new ProcessLimits { Processes = 40, WallClock = TimeSpan.FromSeconds(20) }));

        Assert.Equal(StopReason.Processes, result.StopReason);
        await AssertGoneAsync();
    }

    [Theory, MemberData(nameof(Containments))]
    public async Task Processes_within_the_limit_are_left_alone(Containment containment)
    {
        var (result, _) = await RunAsync(
            containment, "for i in 1 2 3 4; do sleep 0.6 & done; wait; echo fine", spec => Limit(spec, new ProcessLimits { Processes = 5 }));

        Assert.Equal(0, result.ExitCode);
    }

    [Theory, MemberData(nameof(Containments))]
    public async Task Daemons_are_gone_when_the_main_process_ends_and_do_not_hold_us_up(Containment containment)
    {
        // Its own session, no parent, and our stdout held open.
        var (result, _) = await RunAsync(containment, "setsid sh -c '(sleep 1000; echo late) & exit' & sleep 0.3; echo main; exit 0");

        Assert.Equal(0, result.ExitCode);
        Assert.Equal("main\n", result.StandardOutputTail);
        Assert.InRange(result.Duration.TotalSeconds, 0, 10);
        await AssertGoneAsync();
    }

    [Theory, MemberData(nameof(Containments))]
    public async Task Daemons_are_gone_after_a_limit(Containment containment)
    {
        var (result, _) = await RunAsync(
            containment,
            "setsid sh -c 'trap \"\" TERM HUP INT; (while :; do sleep 0.1; done) >/dev/null 2>&1 &'; setsid sleep 1000 & sleep 1000",
            spec => Limit(spec, new ProcessLimits { WallClock = TimeSpan.FromSeconds(0.5) }));

        Assert.Equal(StopReason.WallClock, result.StopReason);
        await AssertGoneAsync();
    }

    [Theory, MemberData(nameof(Containments))]
    public async Task Cancellation_ends_the_tree(Containment containment)
    {
        using var cancellation = new CancellationTokenSource();
        var spec = Spec("echo started; sleep 1000 & sleep 1000");
        var result = await ProcessTree.RunAsync(spec, _ => cancellation.Cancel(), containment, cancellation.Token);

        Assert.Equal(StopReason.Cancelled, result.StopReason);
        Assert.InRange(result.Duration.TotalSeconds, 0, 10);
        await AssertGoneAsync();
    }

    [Theory, MemberData(nameof(Containments))]
    public async Task A_receiver_that_throws_ends_the_tree_and_is_heard(Containment containment)
    {
        var thrown = await Assert.ThrowsAsync<InvalidOperationException>(
            () => ProcessTree.RunAsync(Spec("echo one; sleep 1000"), _ => throw new FormatException("no such line"), containment, CancellationToken.None));

        Assert.IsType<FormatException>(thrown.InnerException);
        await AssertGoneAsync();
    }

    [Theory, MemberData(nameof(Containments))]
    public async Task The_tree_dies_with_us_even_by_sigkill(Containment containment)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } path && path.EndsWith("dotnet", StringComparison.Ordinal) ? path : "dotnet")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in new[] { typeof(ProcessTreeTests).Assembly.Location, "-explicit", "only", "-method", typeof(ProcessTreeTests).FullName + "." + nameof(Child_that_runs_for_ever), "-noLogo" })
            start.ArgumentList.Add(argument);
        start.Environment[ChildFolder] = _folder;
        start.Environment[ChildContainment] = containment.ToString();
        using var child = Process.Start(start)!;
        await UntilAsync(() => LivingIn(_folder).Count >= 3 && File.Exists(Path.Combine(_folder, "ready")), "the child's tree to run");

        Signals.Send(child.Id, Signals.Kill);
        await child.WaitForExitAsync();
        await AssertGoneAsync();
    }

    private const string ChildFolder = "COGO_TEST_CHILD_FOLDER";
    private const string ChildContainment = "COGO_TEST_CHILD_CONTAINMENT";

    /// <summary>Not a test: the process that <see cref="The_tree_dies_with_us_even_by_sigkill"/> starts and kills.</summary>
    [Fact(Explicit = true)]
    public async Task Child_that_runs_for_ever()
    {
        var folder = Environment.GetEnvironmentVariable(ChildFolder);
        Assert.SkipWhen(folder is null, "Started by another test only.");
        var spec = new ProcessSpec
        {
            FileName = "sh",
            Arguments = ["-c", "setsid sh -c 'sleep 1000 & exec sleep 1001' & touch ready; sleep 1002"],
            WorkingDirectory = folder,
        };
        await ProcessTree.RunAsync(spec, null, Enum.Parse<Containment>(Environment.GetEnvironmentVariable(ChildContainment)!), CancellationToken.None);
    }

    [Fact]
    public async Task A_missing_command_or_folder_is_named()
    {
        var missing = await Assert.ThrowsAsync<CommandNotFoundException>(() => ProcessTree.RunAsync(
            new ProcessSpec { FileName = "no-such-command", WorkingDirectory = _folder }, null, CancellationToken.None));
        Assert.Contains("no-such-command", missing.Message, StringComparison.Ordinal);

        var nowhere = await Assert.ThrowsAsync<CommandNotFoundException>(() => ProcessTree.RunAsync(
            new ProcessSpec { FileName = "sh", WorkingDirectory = _folder + "/gone" }, null, CancellationToken.None));
        Assert.Contains("/gone", nowhere.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trees_side_by_side_do_not_share_process_ids()
    {
        Assert.SkipWhen(ProcessTree.BestContainment != Containment.PidNamespace, "No PID namespaces here.");
        var runs = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => RunAsync(Containment.PidNamespace, "echo $$")));

        var ids = runs.Select(run => int.Parse(run.Result.StandardOutputTail.Trim(), CultureInfo.InvariantCulture)).ToList();
        Assert.True(ids.Distinct().Count() >= 7, string.Join(' ', ids));
    }

    [Fact]
    public async Task A_clean_environment_holds_toolchain_settings_and_no_secret()
    {
        Dictionary<string, string> ours = new()
        {
            ["ConnectionStrings__cogo"] = "s3cret",
            ["OPENAI_API_KEY"] = "s3cret",
            ["NPM_TOKEN"] = "s3cret",
            ["npm_config__authToken"] = "s3cret",
            ["npm_config_registry_password"] = "s3cret",
            ["CARGO_REGISTRY_TOKEN"] = "s3cret",
            ["PIP_PASSWORD"] = "s3cret",
            ["COGO_ANYTHING"] = "s3cret",
            ["DOTNET_COGO_TEST"] = "kept",
            ["npm_config_cogo_test"] = "kept",
            ["CARGO_COGO_TEST"] = "kept",
        };
        foreach (var (name, value) in ours)
            Environment.SetEnvironmentVariable(name, value);
        try
        {
            var (clean, _) = await RunAsync(ProcessTree.BestContainment, "env", spec => spec with
            {
                CleanEnvironment = true,
                Environment = new Dictionary<string, string?> { ["ADDED"] = "by-spec", ["DOTNET_COGO_TEST"] = null },
            });
            var (inherited, _) = await RunAsync(ProcessTree.BestContainment, "env");

            Assert.DoesNotContain("s3cret", clean.StandardOutputTail, StringComparison.Ordinal);
            Assert.Equal(2, Regex.Count(clean.StandardOutputTail, "=kept$", RegexOptions.Multiline, TimeSpan.FromSeconds(1)));
            Assert.Contains("ADDED=by-spec", clean.StandardOutputTail, StringComparison.Ordinal);
            Assert.Contains("PATH=", clean.StandardOutputTail, StringComparison.Ordinal);
            Assert.Contains("s3cret", inherited.StandardOutputTail, StringComparison.Ordinal);
        }
        finally
        {
            foreach (var name in ours.Keys)
                Environment.SetEnvironmentVariable(name, null);
        }
    }

    private ProcessSpec Spec(string script) => new() { FileName = "sh", Arguments = ["-c", script], WorkingDirectory = _folder };

    private static ProcessSpec Limit(ProcessSpec spec, ProcessLimits limits) => spec with { Limits = limits };

    private async Task<(ProcessResult Result, List<OutputLine> Lines)> RunAsync(
        Containment containment, string script, Func<ProcessSpec, ProcessSpec>? change = null)
    {
        List<OutputLine> lines = [];
        var spec = Spec(script);
        return (await ProcessTree.RunAsync(change?.Invoke(spec) ?? spec, lines.Add, containment, CancellationToken.None), lines);
    }

    /// <summary>All processes that these tests start have their own folder as working directory: that is how they are told apart.</summary>
    private Task AssertGoneAsync() => UntilAsync(() => LivingIn(_folder).Count == 0, "every process of the tree to be gone");

    private static List<int> LivingIn(string folder) =>
        [.. ProcessTable.Read().Where(row => !row.Zombie && WorkingDirectory(row.Id) == folder).Select(row => row.Id)];

    private static string? WorkingDirectory(int id)
    {
        try
        {
            return new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/cwd")).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static async Task UntilAsync(Func<bool> condition, string what)
    {
        var start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20), "Waited 20 s for " + what);
            await Task.Delay(20);
        }
    }
}
