using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cogo.Cli.Run;
using Cogo.Core;
using Cogo.Core.Bus;
using Cogo.Core.Jobs;

namespace Cogo.Cli.Jobs;

/// <summary><c>cogo enqueue</c>: a job of any type, with shorthands for a browser, Figma, and a job that is enqueued once.</summary>
internal sealed class EnqueueVerb
{
    private readonly Argument<string> _type = new("type") { Description = "browser, figma, idempotent, or any type of job, such as http.get.", HelpName = "browser|figma|idempotent|TYPE" };
    private readonly Option<string?> _payload = new("--payload") { Description = "The job's payload, a JSON object (default: {}).", HelpName = "JSON" };
    private readonly Option<string?> _payloadFile = new("--payload-file") { Description = "Read the payload from a file; - is standard input.", HelpName = "FILE|-" };
    private readonly Option<string?> _url = VerbOptions.Text("--url", "BROWSER_TEST_URL", "The page that a browser job opens, or the address that an http job asks; the variable is for browser jobs.", "URL");
    private readonly Option<string?> _file = VerbOptions.Text("--file-key", "FIGMA_FILE_KEY", "The file a figma job exports.", "KEY");
    private readonly Option<string?> _jobType = VerbOptions.Text("--type", "JOB_TYPE", "With idempotent: the type of the job (default: browser.navigate).", "TYPE");
    private readonly Option<string?> _executor = VerbOptions.Text("--executor", "EXECUTOR_ID", "Only workers of this executor run it.", "ID");
    private readonly Option<string?> _key = VerbOptions.Text("--key", "IDEMPOTENCY_KEY", "A second job with this key in the queue is not enqueued.", "KEY");
    private readonly Option<string> _queue = new("--queue") { Description = "The queue.", HelpName = "QUEUE", DefaultValueFactory = _ => JobRoute.DefaultQueue };
    private readonly Option<int> _priority = new("--priority") { Description = "Higher goes first, -100 to 100.", HelpName = "N" };
    private readonly Option<int?> _attempts = new("--max-attempts") { Description = "Attempts before it is given up (default: 5).", HelpName = "N" };
    private readonly Option<string?> _delay = new("--delay") { Description = "Not before this time has passed: 90s, 10m, 2h, 30d; at most ten years.", HelpName = "TIME" };
    private readonly Option<string?> _tenant = new("--tenant") { Description = "Whose job it is; tenants take turns.", HelpName = "TENANT" };
    private readonly Option<string?> _concurrencyKey = new("--concurrency-key") { Description = "At most --concurrency-limit jobs with this key run at once.", HelpName = "KEY" };
    private readonly Option<int> _concurrencyLimit = new("--concurrency-limit") { Description = "See --concurrency-key.", HelpName = "N", DefaultValueFactory = _ => 1 };
    private readonly Option<bool?> _dryRun = VerbOptions.Flag("--dry-run", "DRY_RUN", "Show the job and enqueue nothing. Default: false.");
    private readonly Option<bool> _json = VerbOptions.Json();
    private readonly DatabaseOptions _database = new();
    private readonly Terminal _terminal;
    private readonly Surroundings _surroundings;

    private EnqueueVerb(Terminal terminal, Surroundings surroundings) => (_terminal, _surroundings) = (terminal, surroundings);

    public static Command Create(Terminal terminal, Surroundings surroundings)
    {
        var verb = new EnqueueVerb(terminal, surroundings);
        var command = new Command("enqueue", "Enqueue a job.")
        {
            verb._type, verb._payload, verb._payloadFile, verb._url, verb._file, verb._jobType, verb._executor, verb._key, verb._queue, verb._priority,
            verb._attempts, verb._delay, verb._tenant, verb._concurrencyKey, verb._concurrencyLimit, verb._dryRun, verb._json,
        };
        verb._database.AddTo(command);
        command.SetAction(verb.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var dry = parsed.Read(_dryRun, "DRY_RUN", otherwise: false, _surroundings);
        var job = await JobAsync(parsed, cancellationToken);
        if (dry)
        {
            await _terminal.Out.WriteLineAsync(JsonSerializer.Serialize(
                new
                {
                    dry_run = true,
                    job.Type,
                    job.Queue,
                    payload = JsonNode.Parse(job.Payload),
                    job.Priority,
                    job.ExecutorId,
                    job.IdempotencyKey,
                    job.MaxAttempts,
                    delay_seconds = job.Delay?.TotalSeconds,
                    job.Tenant,
                    job.ConcurrencyKey,
                    concurrency_limit = job.ConcurrencyKey is null ? (int?)null : job.ConcurrencyLimit,
                },
                CogoJson.Options));
            return ExitCodes.Passed;
        }

        await using var session = await DatabaseSession.OpenAsync(_database, parsed, _surroundings, cancellationToken);
        await using var bus = session.OpenBus();
        JobReceipt receipt;
        try
        {
            receipt = await new JobQueue(session.Source, bus).EnqueueAsync(job, cancellationToken);
        }
        catch (Exception e) when (e is ArgumentException or IdempotencyConflictException)
        {
            throw InputException.Of(e);
        }

        await _terminal.Out.WriteLineAsync(parsed.GetValue(_json)
            ? JsonSerializer.Serialize(new { receipt.Id, job.Type, job.Queue, receipt.TraceId, receipt.Duplicate, job.IdempotencyKey }, CogoJson.Options)
            : receipt.Duplicate
                ? $"Job {receipt.Id} has this idempotency key already; nothing was enqueued."
                : $"Job {receipt.Id} ({job.Type}) is in queue {job.Queue}, trace {receipt.TraceId}.{(session.IsStartedForTheMoment ? " It waits for workers: `cogo dev` starts them." : "")}");
        return ExitCodes.Passed;
    }

    private async Task<JobRequest> JobAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var word = parsed.GetValue(_type)!;
        var payload = await PayloadText.ReadAsync(parsed.GetValue(_payload), parsed.GetValue(_payloadFile), _surroundings, cancellationToken);
        var type = word switch
        {
            "browser" => "browser.navigate",
            "figma" => "figma.file",
            "idempotent" => parsed.Read(_jobType, "JOB_TYPE", _surroundings) ?? "browser.navigate",
            _ => word,
        };
        if (word != "idempotent" && parsed.GetValue(_jobType) is not null)
        {
            throw new InputException($"--type goes with `cogo enqueue idempotent`, and this is `cogo enqueue {word}`: write the type itself, as in `cogo enqueue http.get`.");
        }

        Put(payload, "url", parsed, _url, type.StartsWith("browser.", StringComparison.Ordinal) ? _surroundings.Variable("BROWSER_TEST_URL") : null,
            type.StartsWith("browser.", StringComparison.Ordinal) || type.StartsWith("http.", StringComparison.Ordinal), type);
        Put(payload, "file_key", parsed, _file, type.StartsWith("figma.", StringComparison.Ordinal) ? _surroundings.Variable("FIGMA_FILE_KEY") : null,
            type.StartsWith("figma.", StringComparison.Ordinal), type);

        if (type == "browser.navigate" && !payload.ContainsKey("url"))
        {
            throw new InputException("Which page? Give --url URL, or set BROWSER_TEST_URL.");
        }

        if (type.StartsWith("figma.", StringComparison.Ordinal) && !payload.ContainsKey("file_key"))
        {
            throw new InputException("Which file? Give --file-key KEY, or set FIGMA_FILE_KEY.");
        }

        // The same type, executor and payload, in whatever order its properties stand, make the same key of an idempotent
        // job: a second call enqueues nothing.
        var text = word == "idempotent" ? PayloadText.Canonical(payload) : payload.ToJsonString(CogoJson.Options);
        var key = parsed.Read(_key, "IDEMPOTENCY_KEY", _surroundings);
        var executor = parsed.Read(_executor, "EXECUTOR_ID", _surroundings);
        return new JobRequest(type, text)
        {
            Queue = parsed.GetValue(_queue)!,
            ExecutorId = executor,
            Priority = parsed.GetValue(_priority),
            MaxAttempts = parsed.GetValue(_attempts),
            Delay = parsed.GetValue(_delay) is { } delay ? Durations.Read("--delay", delay, OutgoingMessage.LongestDelay.Days) : null,
            Tenant = parsed.GetValue(_tenant),
            ConcurrencyKey = parsed.GetValue(_concurrencyKey),
            ConcurrencyLimit = parsed.GetValue(_concurrencyLimit),
            IdempotencyKey = word == "idempotent"
                ? key ?? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{type}\n{executor}\n{text}"))))
                : key,
        };
    }

    /// <summary>Puts what an option says into the payload. The variable, other than the option, gives way to the payload.</summary>
    private static void Put(JsonObject payload, string property, ParseResult parsed, Option<string?> option, string? variable, bool takesIt, string type)
    {
        if (parsed.GetValue(option) is { } given)
        {
            if (!takesIt)
            {
                throw new InputException($"{option.Name} is not for jobs of type {type}: write what it needs into --payload.");
            }

            if (!payload.TryAdd(property, given) && !JsonNode.DeepEquals(payload[property], given))
            {
                throw new InputException($"{option.Name} and the payload's \"{property}\" say different things. Leave out one of them.");
            }
        }
        else if (variable is not null)
        {
            payload.TryAdd(property, variable);
        }
    }
}
