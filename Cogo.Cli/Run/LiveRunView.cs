using Cogo.Core.Audit;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Cogo.Cli.Run;

/// <summary>The steps with their durations, redrawn in place until there is a verdict.</summary>
internal sealed class LiveRunView : IRunView
{
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(80);
    private static readonly string[] Spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    private static readonly Style Dim = new(decoration: Decoration.Dim);

    private readonly IAnsiConsole _console;
    private readonly TimeProvider _time;
    private readonly RunProgress _progress = new();
    private readonly Lock _state = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _drawing;
    private string _heading = "Looking for a Cogo server.";
    private RunResult? _result;
    private string? _note;
    private int _frame;

    // Event times are the database's; a server's clock may differ from this machine's.
    private TimeSpan _ahead;

    public LiveRunView(IAnsiConsole console, TimeProvider time)
    {
        (_console, _time) = (console, time);
        _drawing = DrawAsync();
    }

    public void Note(string sentence)
    {
        lock (_state)
        {
            if (_progress.StartedAt is null)
            {
                _heading = Terminal.OneLine(sentence, 300);
            }
            else
            {
                _note = Terminal.OneLine(sentence, 300);
            }
        }
    }

    public void Submitted(RunTicket ticket, RunOptions options, CogoServer server)
    {
        lock (_state)
        {
            _heading = $"{Terminal.OneLine(options.Request.Repo, 200)}  ·  {options.Request.Engine}  ·  task {ticket.TaskId}";
            _progress.Submitted(_time.GetUtcNow());
        }
    }

    public void Show(TimelineEntry entry)
    {
        lock (_state)
        {
            _ahead = entry.At - _time.GetUtcNow();
            _progress.Apply(entry);
        }
    }

    public async Task EndAsync(RunResult result, ReportView? report)
    {
        lock (_state)
        {
            _result = result;
            _progress.Judge(result);
        }

        await DisposeAsync();
        VerdictText.Write(_console, result, report);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _drawing;
    }

    private async Task DrawAsync()
    {
        var display = _console.Live(Render()).AutoClear(false).Overflow(VerticalOverflow.Crop);
        await display.StartAsync(async live =>
        {
            while (!_stop.IsCancellationRequested)
            {
                live.UpdateTarget(Render());
                await Task.Delay(Frame, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            live.UpdateTarget(Render());
            // Steps that never began say nothing beside the complaint that follows.
            display.AutoClear = _result is null;
        });
    }

    private Rows Render()
    {
        lock (_state)
        {
            _frame++;
            var now = _time.GetUtcNow() + _ahead;
            var grid = new Grid { Expand = true }
                .AddColumn(new GridColumn { Padding = new Padding(2, 0, 1, 0), NoWrap = true })
                .AddColumn(new GridColumn { Padding = new Padding(0, 0, 2, 0), NoWrap = true })
                .AddColumn(new GridColumn { Padding = new Padding(0, 0, 2, 0), NoWrap = true, Alignment = Justify.Right })
                .AddColumn(new GridColumn { Padding = new Padding(0, 0, 0, 0), NoWrap = true });
            foreach (var step in _progress.Steps)
            {
                grid.AddRow(Row(step, now));
            }

            var heading = _progress.StartedAt is null && _result is null ? $"{Spinner[_frame % Spinner.Length]} {_heading}" : _heading;
            var rows = new List<IRenderable> { new Text(heading, Dim) { Overflow = Overflow.Ellipsis }, grid };
            if (_note is not null)
            {
                rows.Add(new Text($"  {_note}", Color.Yellow) { Overflow = Overflow.Ellipsis });
            }

            return new Rows(rows);
        }
    }

    private IRenderable[] Row(RunStep step, DateTimeOffset now)
    {
        var (mark, color) = step.State switch
        {
            StepState.Done => ("✓", Color.Green),
            StepState.Failed => ("✗", _result is null ? Color.Red : VerdictText.Look(_result.Verdict).Color),
            StepState.Retrying => ("↻", Color.Yellow),
            StepState.Running => (Spinner[_frame % Spinner.Length], Color.Aqua),
            _ => ("·", Color.Grey),
        };
        var waiting = step.State == StepState.Waiting;
        return
        [
            new Text(mark, color),
            new Text(step.Name, waiting ? Dim : Style.Plain),
            new Text(step.Duration(now) is { } duration ? Durations.Show(duration) : "", Dim),
            new Text(step.Detail, step.State is StepState.Done or StepState.Waiting ? Dim : Style.Plain) { Overflow = Overflow.Ellipsis },
        ];
    }
}
