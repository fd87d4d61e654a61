using OpenAI.Chat;

namespace Cogo.Workers.Codegen.OpenAi;

/// <summary>Counts what the turns of one task used.</summary>
internal sealed class TokenCount(string model, OpenAiEngineOptions options)
{
    private const int CharactersAToken = 4;

    private int _turns;
    private long _input;
    private long _output;
    private bool _guessed;

    public long Total => _input + _output;

    public void Add(ChatTurn turn, IEnumerable<ChatMessage> asked)
    {
        _turns++;
        if (turn.Usage is { } usage)
        {
            _input += usage.InputTokenCount;
            _output += usage.OutputTokenCount;
            return;
        }

        // An endpoint that does not count must still meet the limit, so we guess; a guess is never reported as cost.
        _guessed = true;
        _input += asked.Sum(message => message.Content.Sum(part => part.Text?.Length ?? 0)) / CharactersAToken;
        _output += (turn.Text.Length + turn.Calls.Sum(call => call.FunctionArguments.ToMemory().Length)) / CharactersAToken;
    }

    public EngineCost ToCost() => new()
    {
        Model = model,
        Turns = _turns,
        InputTokens = _guessed ? null : _input,
        OutputTokens = _guessed ? null : _output,
        CostUsd = !_guessed && options is { InputPrice: { } input, OutputPrice: { } output }
            ? decimal.Round(((input * _input) + (output * _output)) / 1_000_000m, 6)
            : null,
    };
}
