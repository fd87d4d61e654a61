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
            ? $"{embedded.Installation.Version} on 127.0.0.1:{embedded.Port}, data in {embedded.Directory}"
            : "the one in ConnectionStrings__cogo";
        var seconds = system.StartedIn.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
        var grid = new Grid()
            .AddColumn(new GridColumn { Padding = new Padding(2, 0, 2, 0), NoWrap = true })
            .AddColumn(new GridColumn { Padding = new Padding(0, 0, 0, 0) });
        foreach (var (name, value) in new[]
        {
            ("API", address), ("Reference", $"{address}/scalar"), ("Status", $"{address}/api/integration/status"), ("Database", database), ("Artifacts", options.ArtifactsS3?.ToString() ?? options.ArtifactsFolder),
        })
        {
            grid.AddRow(new Text(name, new Style(decoration: Decoration.Dim)), new Text(value));
        }

        console.WriteLine();
        console.Write(new Markup($"  [green]✓[/] [bold]Cogo {CogoApi.Version}[/] is ready after {seconds} s\n\n"));
        console.Write(grid);
        console.WriteLine();
        console.WriteLine("  In another terminal: cogo run --repo PATH --patch FILE. Ctrl-C stops.");
        console.WriteLine();
    }
}
