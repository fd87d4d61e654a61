using System.ClientModel;
using System.ClientModel.Primitives;
using System.Globalization;
using System.Text.Json;

namespace Cogo.Workers.Codegen.OpenAi;

/// <summary>What went wrong between us and the endpoint.</summary>
/// <param name="Transient">Asking again may help, not before <paramref name="RetryAfter"/> when the endpoint said so.</param>
internal sealed record EndpointFault(string Code, string Reason, Verdict Verdict, bool Transient, TimeSpan? RetryAfter = null)
{
    private const int QuotedLength = 500;

    /// <summary>Null for an exception that is not about the endpoint.</summary>
    public static EndpointFault? Of(Exception exception, TimeProvider time) => exception switch
    {
        ClientResultException { Status: > 0 } e => OfStatus(e, time),
        ClientResultException or HttpRequestException or IOException =>
            Passing($"The connection to the model's endpoint failed: {Line(exception.InnerException?.Message ?? exception.Message)} Check OPENAI_BASE_URL and that the endpoint runs."),
        TruncatedAnswerException => Passing("The model's endpoint ended its answer in the middle."),
        OperationCanceledException or TimeoutException => Passing("The model's endpoint fell silent; see OPENAI_SILENCE_SECONDS."),
        // What the client library throws at an answer that is not the protocol's.
        JsonException or FormatException or ArgumentOutOfRangeException or InvalidOperationException or KeyNotFoundException =>
            Passing($"The model's endpoint answered with something that is not an OpenAI chat completion: {Line(exception.Message)} Check OPENAI_BASE_URL (it usually ends in /v1)."),
        _ => null,
    };

    private static EndpointFault Passing(string reason) => new("openai_unavailable", reason, Verdict.Infrastructure, Transient: true);

    private static EndpointFault OfStatus(ClientResultException e, TimeProvider time)
    {
        var said = Line(e.Message);
        return e.Status switch
        {
            401 or 403 => Final("openai_unauthorized", $"The model's endpoint refused the key: check OPENAI_API_KEY and what it may use. {said}"),
            404 => Final("openai_not_found", $"The model's endpoint does not know the model or the address: check OPENAI_MODEL and OPENAI_BASE_URL (it usually ends in /v1). {said}"),
            429 when said.Contains("insufficient_quota", StringComparison.Ordinal) =>
                Final("openai_quota", $"The account of OPENAI_API_KEY has no credit left: add some, or use another key. {said}"),
            400 or 413 when IsTooLong(said) =>
                new EndpointFault("openai_context", $"The conversation grew beyond what the model takes: give a smaller task, or a model with a longer context. {said}", Verdict.Failed, Transient: false),
            408 or 409 or 429 or >= 500 =>
                new EndpointFault("openai_unavailable", $"The model's endpoint is not available: {said}", Verdict.Infrastructure, Transient: true, AskedPause(e.GetRawResponse(), time)),
            _ => Final("openai_refused", $"The model's endpoint refused the request; does the model take tools? {said}"),
        };
    }

    private static EndpointFault Final(string code, string reason) => new(code, reason, Verdict.Invalid, Transient: false);

    private static bool IsTooLong(string said) =>
        said.Contains("context_length", StringComparison.OrdinalIgnoreCase)
        || said.Contains("maximum context", StringComparison.OrdinalIgnoreCase)
        || said.Contains("context size", StringComparison.OrdinalIgnoreCase)
        || said.Contains("too long", StringComparison.OrdinalIgnoreCase);

    private static TimeSpan? AskedPause(PipelineResponse? response, TimeProvider time)
    {
        if (response is null)
            return null;
        if (response.Headers.TryGetValue("retry-after-ms", out var text) && Number(text) is { } milliseconds)
            return TimeSpan.FromMilliseconds(milliseconds);
        if (!response.Headers.TryGetValue("retry-after", out text))
            return null;
        if (Number(text) is { } seconds)
            return TimeSpan.FromSeconds(seconds);
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date) && date > time.GetUtcNow()
            ? date - time.GetUtcNow()
            : null;
    }

    private static double? Number(string? text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number is >= 0 and <= 604_800_000 ? number : null;

    private static string Line(string text)
    {
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= QuotedLength ? line : string.Concat(line.AsSpan(0, QuotedLength), "…");
    }
}
