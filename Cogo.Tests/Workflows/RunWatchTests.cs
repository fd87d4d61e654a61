using System.Diagnostics;
using Cogo.Core.Bus;
using Cogo.Core.Workflows;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Workflows;

public sealed class RunWatchTests : IAsyncLifetime
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await PostgresServers.CreateDatabaseAsync();
        await _database.ExecuteAsync(
            "insert into workflow_runs (run_id, template, trace_id, task_id, request, max_repairs, repairs_left) values ('run-' || $1, 'codeBuildTest', $1, 't', '{}', 0, 0)", Trace);
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task An_event_of_a_run_wakes_its_watchers_and_no_others()
    {
        await using var watch = Watch(new BusOptions { PollInterval = TimeSpan.FromHours(1) });
        using var watcher = watch.Watch(Trace);
        using var other = watch.Watch("1" + Trace[1..]);
        // It listens from now on.
        Assert.True(await watcher.WaitAsync(Deadline, CancellationToken.None));
        Assert.True(await other.WaitAsync(Deadline, CancellationToken.None));

        await AppendAsync("codegen_progress", null);
        Assert.True(await watcher.WaitAsync(Deadline, CancellationToken.None));
        await AppendAsync("workflow_step_done", "workflow/run/0");
        Assert.True(await watcher.WaitAsync(Deadline, CancellationToken.None));

        Assert.False(await other.WaitAsync(TimeSpan.FromMilliseconds(50), CancellationToken.None));
    }

    [Theory]
    [InlineData("insert into bus_events (trace_id, type) values ($1, 'buildtest_progress')")]
    [InlineData("update workflow_runs set last_event = last_event + 1 where trace_id = $1")]
    [InlineData("delete from workflow_runs where trace_id = $1")]
    public async Task A_process_that_is_deaf_finds_the_event_by_polling(string happens)
    {
        await using var watch = Watch(new BusOptions { Listen = false, PollInterval = TimeSpan.FromMilliseconds(100) });
        using var watcher = watch.Watch(Trace);
        // The first poll knows nothing yet.
        Assert.True(await watcher.WaitAsync(Deadline, CancellationToken.None));
        Assert.False(await watcher.WaitAsync(TimeSpan.FromMilliseconds(400), CancellationToken.None));

        await _database.ExecuteAsync(happens, Trace);

        Assert.True(await watcher.WaitAsync(Deadline, CancellationToken.None));
    }

    [Fact]
    public async Task A_hundred_watchers_of_quiet_runs_cost_one_query_a_poll()
    {
        var interval = TimeSpan.FromMilliseconds(100);
        using var log = new CommandLog();
        await using var source = new NpgsqlDataSourceBuilder(_database.ConnectionString).UseLoggerFactory(log).Build();
        await using var watch = new RunWatch(source, new BusOptions { PollInterval = interval }, TimeProvider.System, NullLogger<RunWatch>.Instance);
        var watchers = Enumerable.Range(0, 100).Select(_ => watch.Watch(Trace)).ToList();
        foreach (var watcher in watchers)
        {
            Assert.True(await watcher.WaitAsync(Deadline, CancellationToken.None));
        }

        // LISTEN, and what the first poll and the first connection brought.
        var (before, clock) = (log.Commands, Stopwatch.StartNew());
        await Eventually.BecomesTrueAsync(() => log.Commands >= before + 5, "five polls");

        Assert.InRange(log.Commands - before, 5, (clock.Elapsed / interval) + 3);
        Assert.All(watchers, watcher => watcher.Dispose());
    }

    private RunWatch Watch(BusOptions options) => new(_database.DataSource, options, TimeProvider.System, NullLogger<RunWatch>.Instance);

    private Task AppendAsync(string type, string? route) =>
        _database.ExecuteAsync("insert into bus_events (trace_id, type, route) values ($1, $2, nullif($3, ''))", Trace, type, route ?? "");

    /// <summary>Counts what Npgsql sends.</summary>
    private sealed class CommandLog : ILoggerFactory, ILogger
    {
        private const int CommandExecutionCompleted = 2001;
        private int _commands;

        public int Commands => Volatile.Read(ref _commands);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id == CommandExecutionCompleted)
            {
                Interlocked.Increment(ref _commands);
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
