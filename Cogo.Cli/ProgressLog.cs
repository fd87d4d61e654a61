using Cogo.Core.Database.Embedded;
using Microsoft.Extensions.Logging;

namespace Cogo.Cli;

/// <summary>The part of the log that somebody who waits wants to see: what Postgres is busy with, and every warning.</summary>
internal sealed class ProgressLog(Action<string> show) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new Lines(
        show,
        categoryName == typeof(EmbeddedPostgres).FullName ? LogLevel.Information
        : categoryName.StartsWith("Microsoft.", StringComparison.Ordinal) || categoryName.StartsWith("Npgsql", StringComparison.Ordinal) ? LogLevel.Error
        : LogLevel.Warning);

    public void Dispose()
    {
    }

    private sealed class Lines(Action<string> show, LogLevel least) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel != LogLevel.None;

        // That Postgres is ready is no news to who waits for all of Cogo.
        private static bool IsNews(EventId eventId) => eventId.Name != "LogReady";

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel) && IsNews(eventId))
            {
                show(exception is null ? formatter(state, exception) : $"{formatter(state, exception)}: {exception.Message}");
            }
        }
    }
}
