using System.CommandLine;
using System.CommandLine.Invocation;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Cogo.Api;
using Cogo.Cli.Gates;
using Cogo.Cli.Indexing;
using Cogo.Cli.Jobs;
using Cogo.Cli.Notify;
using Cogo.Cli.Run;
using Cogo.Cli.Smoke;
using Cogo.Cli.Workflows;
using Cogo.Core.Database;
using Cogo.Core.Database.Embedded;
using Cogo.Core.Pipeline;
using Cogo.Core.Workspaces;
using Npgsql;

namespace Cogo.Cli;

/// <summary>The command line as a whole: one verb a file.</summary>
public static class CogoCommandLine
{
    /// <summary>Without response files, or @daily would be the name of one.</summary>
    private static readonly ParserConfiguration Parsing = new() { ResponseFileTokenReplacer = null };

    /// <summary>All verbs with their options.</summary>
    internal static RootCommand Create(Terminal terminal, Surroundings surroundings)
    {
        return new RootCommand("Cogo sends software agents' work through a durable bus in Postgres: change, build, test, verdict.")
        {
            DevVerb.Create(terminal, surroundings),
            RunVerb.Create(terminal, surroundings),
            WorkflowVerb.Create(terminal, surroundings),
            IndexVerb.Create(terminal, surroundings),
            EnqueueVerb.Create(terminal, surroundings),
            ListVerb.Create(terminal, surroundings),
            ShowVerb.Create(terminal, surroundings),
            ScheduleVerb.Create(terminal, surroundings),
            CancelVerb.Create(terminal, surroundings),
            RetryVerb.Create(terminal, surroundings),
            ReplayVerb.Create(terminal, surroundings),
            PauseVerb.Create(terminal, surroundings),
            PauseVerb.CreateResume(terminal, surroundings),
            RecoverVerb.Create(terminal, surroundings),
            CleanupVerb.Create(terminal, surroundings),
            PurgeVerb.Create(terminal, surroundings),
            GateVerb.Create(terminal, surroundings),
            CiVerb.Create(terminal, surroundings),
            SmokeVerb.Create(terminal, surroundings),
            MetricsVerb.Create(terminal, surroundings),
            NotifyVerb.Create(terminal, surroundings),
            NotifyVerb.CreateWeekly(terminal, surroundings),
            MigrateVerb.Create(terminal, surroundings),
            VersionVerb.Create(terminal),
        };
    }

    /// <summary>Runs a command line and returns its exit code. Expected failures are a sentence on <see cref="Terminal.Error"/>.</summary>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> args, Terminal terminal, Surroundings surroundings, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(terminal);
        var root = Create(terminal, surroundings);
        var parsed = root.Parse(FlagWords.Plain(args), Parsing);
        // A broken command line must not keep a program that reads JSON from its last line.
        var json = args.Contains(RunVerb.JsonOption, StringComparer.Ordinal) && parsed.CommandResult.Command.Name == RunVerb.Name;
        if (parsed.Action is ParseErrorAction)
        {
            return await FailAsync(Verdict.Invalid, ParseComplaint.Of(parsed), json, terminal);
        }

        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = terminal.Out,
                    Error = terminal.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null, // signals are the program's, see Program.cs
                },
                cancellationToken);
        }
        catch (InputException e)
        {
            return await FailAsync(Verdict.Invalid, e.Message, json, terminal);
        }
        catch (Exception e) when (e is CogoSystemException or ServerException or EmbeddedPostgresException or MigrationException or NpgsqlException or HttpRequestException or SocketException or IOException or UnauthorizedAccessException or WorkspaceException)
        {
            return await FailAsync(Verdict.Infrastructure, Sentence(e), json, terminal);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await FailAsync(Verdict.Infrastructure, "Stopped before there was a verdict.", json, terminal);
            return ExitCodes.Interrupted;
        }
        catch (Exception e)
        {
            // A fault of Cogo itself: nothing is hidden, and its user is told what to do with it.
            return await UnexpectedAsync(e, parsed, json, terminal);
        }
    }

    private static async Task<int> UnexpectedAsync(Exception e, ParseResult parsed, bool json, Terminal terminal)
    {
        var code = await FailAsync(
            Verdict.Infrastructure,
            $"That is a fault of Cogo, not yours: {e.GetType().Name}, {Terminal.OneLine(e.Message, 200).TrimEnd('.')}. Please report it to who maintains this Cogo, with the command line (without passwords) and what standard error says below.",
            json, terminal);
        await terminal.Error.WriteLineAsync($"\nCogo {CogoApi.Version}, {RuntimeInformation.RuntimeIdentifier}, verb {parsed.CommandResult.Command.Name}\n{Terminal.Clean(e.ToString())}");
        return code;
    }

    private static async Task<int> FailAsync(Verdict verdict, string sentence, bool json, Terminal terminal)
    {
        if (json)
        {
            await JsonRunView.WriteResultAsync(terminal.Out, new RunResult { Verdict = verdict, Reason = sentence });
        }
        else
        {
            await terminal.Error.WriteLineAsync($"cogo: {Terminal.Clean(sentence)}");
        }

        return ExitCodes.Of(verdict);
    }

    private static string Sentence(Exception e) => e switch
    {
        NpgsqlException database => DatabaseProblem.Of(database),
        SocketException => "The host in ConnectionStrings__cogo is not known: correct Host, or the machine's name service.",
        HttpRequestException => $"The server does not answer ({e.Message}).",
        _ => e.Message,
    };
}
