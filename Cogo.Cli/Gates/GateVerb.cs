using System.CommandLine;
using Cogo.Cli.Notify;
using Cogo.Core.Artifacts;
using Cogo.Core.Gates;
using Cogo.Core.Notifications;
using Cogo.Workers.BuildTest;
using Microsoft.Extensions.Configuration;

namespace Cogo.Cli.Gates;

/// <summary><c>cogo gate local</c>: build, linter and tests of the repository at hand.</summary>
internal static class GateVerb
{
    private const string BuildVariable = "CODE_BUILD_CMD";

    public static Command Create(Terminal terminal, Surroundings surroundings) =>
        new("gate", "Hold a gate over the repository at hand.")
        {
            Local(new Command("local", "Build, lint and test the repository at hand. Exits 0 pass, 1 fail, 2 could not tell."), terminal, surroundings, notify: false),
            Local(new Command("notify", "The same as gate local, and tell the webhook of the workers what came of it."), terminal, surroundings, notify: true),
        };

    private static Command Local(Command verb, Terminal terminal, Surroundings surroundings, bool notify)
    {
        var repo = new Option<string?>("--repo") { Description = "The folder (default: the working directory). Commands run in it as it is.", HelpName = "PATH" };
        var build = VerbText("--build", BuildVariable, "Build with this command line instead of the one that is detected.", "LINE");
        var unrecorded = new Option<bool>("--no-record") { Description = "Leave no gate event in the audit log." };
        var view = new GateView(terminal, surroundings);
        var database = new DatabaseOptions();
        foreach (var option in new Option[] { repo, build, unrecorded })
        {
            verb.Options.Add(option);
        }

        view.AddTo(verb);
        database.AddTo(verb);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new LocalGateOptions(
                Folder(parsed.GetValue(repo), surroundings), parsed.GetValue(build) ?? surroundings.Variable(BuildVariable), Limits(surroundings).Limits);
            await using var session = await DatabaseSession.OpenAsync(database, parsed, surroundings, cancellationToken);
            var store = session.OpenArtifacts();
            var result = await new LocalGate(store, surroundings.Time).RunAsync(
                options, view.IsJson(parsed) ? null : stage => Show(terminal, stage), cancellationToken);
            var recorded = parsed.GetValue(unrecorded)
                ? []
                : await new GateLog(session.Source, $"gate-{Environment.MachineName}").AppendAsync(result.Word, cancellationToken);
            var told = notify
                ? await NotificationQueue.EnqueueAsync(session.Source, Notice(options.Folder, result.Word), null, cancellationToken)
                : null;
            var places = Places(result, recorded, store);
            if (told is not null)
            {
                places.Add(("Notified", NotificationText.Of(told)));
            }

            return await view.ShowAsync(parsed, result.Word.Answer, More(result, recorded, told), places);
        });
        return verb;
    }

    private static Option<string?> VerbText(string name, string variable, string description, string helpName) =>
        Jobs.VerbOptions.Text(name, variable, description, helpName);

    private static string Folder(string? named, Surroundings surroundings)
    {
        var folder = surroundings.FullPath(named ?? ".");
        return Directory.Exists(folder) ? folder : throw new InputException($"There is no folder {folder}: name the repository with --repo PATH.");
    }

    private static BuildTestOptions Limits(Surroundings surroundings)
    {
        string[] names = ["BUILDTEST_TIMEOUT_SECONDS", "BUILDTEST_SILENCE_SECONDS", "BUILDTEST_MEMORY_MB", "BUILDTEST_OUTPUT_MB", "BUILDTEST_PROCESSES"];
        try
        {
            return BuildTestSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(names.ToDictionary(name => name, surroundings.Variable)).Build());
        }
        catch (FormatException e)
        {
            throw new InputException(e.Message, e);
        }
    }

    private static void Show(Terminal terminal, BuildTestProgress stage)
    {
        if (stage.State == StageState.Started)
        {
            terminal.Error.WriteLine($"{stage.Stage} …");
        }
        else
        {
            terminal.Error.WriteLine($"{stage.Stage} {(stage.Exit == 0 ? "done" : "did not succeed")} after {Run.Durations.Show(stage.Duration ?? TimeSpan.Zero)}");
        }
    }

    /// <summary>The answer as a notification: no output of the build, which may hold anything.</summary>
    private static Notification Notice(string folder, GateWord word) => new()
    {
        Subject = $"Gate local: {Path.GetFileName(Path.TrimEndingDirectorySeparator(folder))}",
        Text = GateNotice.Text(word.Answer),
        TraceId = word.TraceId,
    };

    private static Dictionary<string, object?> More(LocalGateResult result, IReadOnlyList<string> recorded, NotificationReceipt? told) => new(StringComparer.Ordinal)
    {
        ["task_id"] = result.Word.TaskId,
        ["trace_id"] = result.Word.TraceId,
        ["repo"] = result.Word.Repo,
        ["commit"] = result.Word.Commit,
        ["line_rate"] = result.Word.LineRate,
        ["lint"] = result.Word.Lint,
        ["coverage"] = result.Word.Coverage,
        ["artifacts"] = result.Artifacts,
        ["recorded"] = recorded,
        ["notify_job_id"] = told?.Id,
    };

    private static List<(string Label, string Value)> Places(LocalGateResult result, IReadOnlyList<string> recorded, ArtifactStore store)
    {
        var path = $"{result.Word.TaskId}/gate";
        var folder = store is LocalArtifactStore local ? local.FilePath(path) + Path.DirectorySeparatorChar : $"{path}/ in {store.Storage}";
        List<(string Label, string Value)> places = [("Artifacts", $"{folder}  ({result.Artifacts.Count} files)")];
        if (result.Word.LineRate is { } rate)
        {
            places.Add(("Coverage", rate.ToString("P1", System.Globalization.CultureInfo.InvariantCulture) + " of lines"));
        }

        places.Add(("Recorded", recorded.Count == 0 ? "nothing" : $"{string.Join(", ", recorded)}, trace {result.Word.TraceId}"));
        return places;
    }
}
