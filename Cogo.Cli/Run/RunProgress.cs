using System.Text.Json;
using Cogo.Core.Audit;

namespace Cogo.Cli.Run;

internal enum StepState
{
    Waiting,
    Running,
    Retrying,
    Done,
    Failed,
}

/// <summary>One step of the way from request to verdict.</summary>
internal sealed record RunStep(string Name, StepState State, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt, string Detail)
{
    /// <summary>Null before it has begun.</summary>
    public TimeSpan? Duration(DateTimeOffset now) => StartedAt is { } start
        ? TimeSpan.FromTicks(Math.Max(0, ((EndedAt ?? now) - start).Ticks))
        : null;
}

/// <summary>The steps of a run as its events tell them. A step begins when the one before it is done.</summary>
internal sealed class RunProgress
{
    private static readonly string[] Prefixes = ["execute", "codegen", "buildtest"];
    private readonly RunStep[] _steps =
    [
        new("dispatch", StepState.Waiting, null, null, ""),
        new("codegen", StepState.Waiting, null, null, ""),
        new("build & test", StepState.Waiting, null, null, ""),
    ];

    private readonly List<(string Name, DateTimeOffset StartedAt, string Text)> _stages = [];

    public IReadOnlyList<RunStep> Steps => _steps;

    /// <summary>Of the first event, by the database's clock.</summary>
    public DateTimeOffset? StartedAt { get; private set; }

    public void Submitted(DateTimeOffset at)
    {
        StartedAt = at;
        _steps[0] = _steps[0] with { State = StepState.Running, StartedAt = at };
    }

    public void Apply(TimelineEntry entry)
    {
        StartedAt ??= entry.At;
        var split = entry.Type.IndexOf('_', StringComparison.Ordinal);
        var index = split < 0 ? -1 : Array.IndexOf(Prefixes, entry.Type[..split]);
        if (index < 0)
        {
            return;
        }

        if (entry.Type == EventTypes.BuildTestRetry)
        {
            // The next attempt begins its stages anew.
            _stages.Clear();
        }

        var step = _steps[index] with { StartedAt = _steps[index].StartedAt ?? entry.At };
        var detail = entry.Type == EventTypes.BuildTestProgress ? Stages(entry) : EventText.Of(entry);
        _steps[index] = entry.Type[(split + 1)..] switch
        {
            "done" => step with { State = StepState.Done, EndedAt = entry.At, Detail = detail },
            "failed" => step with { State = StepState.Failed, EndedAt = entry.At, Detail = detail },
            "retry" => step with { State = StepState.Retrying, EndedAt = null, Detail = detail },
            _ => step with { State = StepState.Running, EndedAt = null, Detail = detail.Length > 0 ? detail : step.Detail },
        };
        if (_steps[index].State == StepState.Done && index + 1 < _steps.Length && _steps[index + 1].State == StepState.Waiting)
        {
            _steps[index + 1] = _steps[index + 1] with { State = StepState.Running, StartedAt = entry.At };
        }
    }

    /// <summary>The stages so far on one line, such as <c>✓ build 1.20 s  test …</c>.</summary>
    private string Stages(TimelineEntry entry)
    {
        if (entry.Data is not { ValueKind: JsonValueKind.Object } data
            || !data.TryGetProperty("stage", out var name) || name.GetString() is not { } stage
            || !data.TryGetProperty("state", out var state))
        {
            return EventText.Of(entry);
        }

        stage = Terminal.OneLine(stage, 20);
        if (state.GetString() == "started")
        {
            _stages.Add((stage, entry.At, $"{stage} …"));
        }
        else if (_stages.FindLastIndex(known => known.Name == stage) is >= 0 and var index)
        {
            var green = data.TryGetProperty("exit", out var exit) && exit.ValueKind == JsonValueKind.Number && exit.GetInt32() == 0;
            _stages[index] = _stages[index] with { Text = $"{(green ? "✓" : "✗")} {stage} {Durations.Show(entry.At - _stages[index].StartedAt)}" };
        }

        return string.Join("  ", _stages.Select(known => known.Text));
    }

    /// <summary>The verdict is about the change: a build/test that was done is red when it is not green.</summary>
    public void Judge(RunResult result)
    {
        for (var i = 0; i < _steps.Length; i++)
        {
            if (_steps[i].State is StepState.Running or StepState.Retrying
                || (i == _steps.Length - 1 && _steps[i].State == StepState.Done && result.Verdict != Core.Pipeline.Verdict.Passed))
            {
                _steps[i] = _steps[i] with { State = StepState.Failed };
            }
        }
    }
}
