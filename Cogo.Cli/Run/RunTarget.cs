using Cogo.Core.Bus;
using Cogo.Core.Workflows;

namespace Cogo.Cli.Run;

/// <summary>Who runs the task: a server that answers, or a system that lives as long as this run.</summary>
internal sealed class RunTarget : IAsyncDisposable
{
    private RunTarget(CogoServer server, CogoSystem? system, string? artifactsFolder) =>
        (Server, System, ArtifactsFolder) = (server, system, artifactsFolder);

    public CogoServer Server { get; }

    /// <summary>Null when a server runs it.</summary>
    public CogoSystem? System { get; }

    /// <summary>Where the artifacts lie on this machine; null when a server keeps them.</summary>
    public string? ArtifactsFolder { get; }

    /// <exception cref="ServerException">The wanted server does not answer, or has no database.</exception>
    /// <exception cref="InputException">The server could not see the repository.</exception>
    public static async Task<RunTarget> OpenAsync(RunOptions options, IRunView view, CancellationToken cancellationToken)
    {
        if (options.Server is { } address)
        {
            var server = new CogoServer(address);
            try
            {
                if (await server.LookAsync(cancellationToken) is { } status)
                {
                    Check(status, server, options, view);
                    return new RunTarget(server, null, null);
                }
            }
            catch
            {
                server.Dispose();
                throw;
            }

            server.Dispose();
            if (options.ServerIsWanted)
            {
                throw new ServerException($"No Cogo answers at {address}. Start it there, or leave out --server: then the run brings its own.");
            }
        }

        if (options.RepoIsLocal && !Directory.Exists(options.Request.Repo))
        {
            throw new InputException($"There is no folder {options.Request.Repo}. Name the repository with --repo PATH or --repo GIT_URL.");
        }

        view.Note(options.Server is null ? "Starting Cogo for this run." : $"No Cogo answers at {options.Server.ToString().TrimEnd('/')}: starting one for this run.");
        var system = await CogoSystem.StartAsync(options.System with { Port = 0, Progress = view.Note }, cancellationToken);
        view.Note($"Cogo is ready after {Durations.Show(system.StartedIn)}.");
        return new RunTarget(new CogoServer(system.Address), system, options.System.ArtifactsS3 is null ? options.System.ArtifactsFolder : null);
    }

    private static Route[] Routes(RunRequest request) =>
        request.Template is null ? [Route.Execute, Route.Codegen, Route.BuildTest] : [Route.Execute, Route.Codegen, Route.BuildTest, Route.Workflow];

    public async ValueTask DisposeAsync()
    {
        Server.Dispose();
        if (System is not null)
        {
            await System.DisposeAsync();
        }
    }

    /// <summary>Whether a server that answers can do the work.</summary>
    internal static void Check(ServerStatus status, CogoServer server, RunOptions options, IRunView view)
    {
        if (status.Status != "ok")
        {
            throw new ServerException($"The Cogo at {server.Address} cannot work: {status.Database!.Problem ?? "its database does not answer."}");
        }

        if (options.RepoIsLocal && !server.Address.IsLoopback)
        {
            throw new InputException(
                $"The Cogo at {server.Address} is on another machine and cannot see {options.Request.Repo}. Give --repo a git URL that it can reach, or unset COGO_URL to run the task here.");
        }

        foreach (var route in Routes(options.Request).Where(route => !status.Reads(route)))
        {
            view.Note($"No worker reads {route} at the moment: the task waits on the bus until one does.");
        }
    }
}

/// <summary>What <c>cogo run</c> was asked for.</summary>
internal sealed record RunOptions
{
    public required RunRequest Request { get; init; }

    /// <summary>What passes or fails must have a report.</summary>
    public bool TestsChange => Request.Template is null || WorkflowTemplate.Find(Request.Template)?.MakesChange != false;

    /// <summary>The repository is a path, which another machine cannot see.</summary>
    public required bool RepoIsLocal { get; init; }

    /// <summary>Looked for before a system is brought up; null: not even looked for.</summary>
    public Uri? Server { get; init; }

    /// <summary>Rather fail than bring up a system.</summary>
    public bool ServerIsWanted { get; init; }

    public required CogoSystemOptions System { get; init; }

    /// <summary>For the verdict, from the moment the task is on the bus.</summary>
    public required TimeSpan Timeout { get; init; }
}
