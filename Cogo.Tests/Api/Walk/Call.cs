using System.Collections.Immutable;
using System.Net;
using System.Text;

namespace Cogo.Tests.Api.Walk;

/// <summary>One request to an operation, to be varied.</summary>
/// <param name="Values">By parameter, as they are meant: they are escaped when they are sent.</param>
internal sealed record Call(Operation Operation, ImmutableDictionary<string, string> Values, byte[]? Body)
{
    public string? ContentType { get; init; } = "application/json";

    /// <summary>Sends the body without saying how long it is.</summary>
    public bool Chunked { get; init; }

    /// <summary>A parameter whose value is escaped already, byte by byte.</summary>
    public string? Raw { get; init; }

    /// <summary>What a refusal must name; null: it is the request as a whole.</summary>
    public string? Named { get; init; }

    /// <summary>Must be refused.</summary>
    public bool IsWrong { get; init; }

    /// <summary>With this path it may be another operation, or none.</summary>
    public bool LeadsElsewhere { get; init; }

    /// <summary>Tells calls apart in a complaint.</summary>
    public string What { get; init; } = "good input";

    public Call With(string parameter, string value) => this with { Values = Values.SetItem(parameter, value) };

    public Call With(string body) => this with { Body = Encoding.UTF8.GetBytes(body) };

    public HttpRequestMessage Request(Uri server)
    {
        var path = Operation.Path;
        var query = new StringBuilder();
        foreach (var parameter in Operation.Parameters.Where(parameter => Values.ContainsKey(parameter.Name)))
        {
            var value = parameter.Name == Raw ? Values[parameter.Name] : Escaped(Values[parameter.Name]);
            if (parameter.In == "path")
            {
                // What is below a folder is written with its slashes.
                path = path.Replace($"{{{parameter.Name}}}", Operation.Path.EndsWith("/{path}", StringComparison.Ordinal) ? value.Replace("%2F", "/", StringComparison.Ordinal) : value, StringComparison.Ordinal);
            }
            else if (parameter.In == "query")
            {
                query.Append(query.Length == 0 ? '?' : '&').Append(parameter.Name).Append('=').Append(value);
            }
        }

        // As it is written: the client must not tidy up what the server is to refuse.
        var target = new Uri($"{server.GetLeftPart(UriPartial.Authority)}{path}{query}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var request = new HttpRequestMessage(Operation.Method, target);
        foreach (var parameter in Operation.Parameters.Where(parameter => parameter.In == "header" && Values.ContainsKey(parameter.Name)))
        {
            request.Headers.TryAddWithoutValidation(parameter.Name, Values[parameter.Name]);
        }

        if (Body is not null)
        {
            request.Content = Chunked ? new StreamContent(new MemoryStream(Body)) : new ByteArrayContent(Body);
            // A refusal may come before the body is sent.
            request.Headers.ExpectContinue = Body.Length > 1024 * 1024;
            request.Headers.TransferEncodingChunked = Chunked;
            if (ContentType is not null)
            {
                request.Content.Headers.TryAddWithoutValidation("Content-Type", ContentType);
            }
        }

        return request;
    }

    /// <summary>Without complaint about halves of surrogate pairs, which go as they would from a careless client.</summary>
    private static string Escaped(string value) => string.Concat(Encoding.UTF8.GetBytes(value).Select(octet =>
        char.IsAsciiLetterOrDigit((char)octet) || octet is (byte)'-' or (byte)'_' or (byte)'~' ? ((char)octet).ToString() : $"%{octet:X2}"));
}

/// <summary>What came back.</summary>
/// <param name="Text">Empty for a stream, which is not waited for.</param>
/// <param name="Closed">The server ended the connection with it: it was refused before it was a request.</param>
internal sealed record Returned(HttpStatusCode Code, string? MediaType, string Text, bool Closed, TimeSpan? RetryAfter)
{
    public int Status => (int)Code;
}
