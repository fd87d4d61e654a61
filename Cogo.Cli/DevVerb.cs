using System.CommandLine;
using System.Globalization;
using Cogo.Api;
using Spectre.Console;

namespace Cogo.Cli;

/// <summary><c>cogo dev</c>: everything in one process, until Ctrl-C.</summary>
internal static class DevVerb
{
    public const int DefaultPort = 3000;

    public static Command Create(Terminal terminal, Surroundings surroundings)
    {
        var port = new Option<int>("--port") { Description = "Port of the API on this machine; 0 takes any free one.", HelpName = "PORT", DefaultValueFactory = _ => DefaultPort };
        port.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > 65_535)
            {
                result.AddError("--port wants a number from 0 to 65535.");
            }
        });
        var fresh = new Option<bool>("--fresh") { Description = "Throw the embedded database away and begin with an empty one." };
        var quiet = new Option<bool>("--quiet") { Description = "Do not write the log to standard error." };
        var verb = new Command("dev", "Run Postgres, the API and the workers in this process, until Ctrl-C.") { port, fresh, quiet };
        var database = new DatabaseOptions();
        database.AddTo(verb);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            var options = database.Read(parsed, surroundings) with { Port = parsed.GetValue(port), Verbose = !parsed.GetValue(quiet) };
            if (parsed.GetValue(fresh))
            {
                if (options.ConnectionString is not null)
                {
                    throw new InputException($"--fresh throws the embedded database away, and {database.Source(parsed)} names another one, which Cogo will not empty. Leave out one of them.");
                }

                options = options with { Postgres = options.Postgres with { Fresh = true } };
            }

            await using var system = await CogoSystem.StartAsync(options, cancellationToken);
            ShowBanner(terminal.Rich, system, options);
            await system.WaitAsync(cancellationToken);
            terminal.Rich.WriteLine("Stopping: what runs is handed back to the bus.");
            return ExitCodes.Passed;
        });
        return verb;
    }

    private static void ShowBanner(IAnsiConsole console, CogoSystem system, CogoSystemOptions options)
    {
        var address = system.Address.ToString().TrimEnd('/');
        var database = system.Postgres is { } embedded
            ? $"Postgres {embedded.Installation.Version} on 127.0.0.1:{embedded.Port}, data in {embedded.Directory}"
            : "the one in ConnectionStrings__cogo";
        var seconds = system.StartedIn.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
        console.WriteLine();
        console.MarkupLineInterpolated($"  [bold]Cogo {CogoApi.Version}[/] is ready after {seconds} s");
        console.WriteLine();
        console.MarkupLineInterpolated($"  API        {address}");
        console.MarkupLineInterpolated($"  Reference  {address}/scalar");
        console.MarkupLineInterpolated($"  Status     {address}/api/integration/status");
        console.MarkupLineInterpolated($"  Database   {database}");
        console.MarkupLineInterpolated($"  Artifacts  {options.ArtifactsFolder}");
        console.WriteLine();
        console.MarkupLineInterpolated($"  Try `cogo run --repo PATH --patch FILE` in another terminal. Ctrl-C stops.");
        console.WriteLine();
    }
}
