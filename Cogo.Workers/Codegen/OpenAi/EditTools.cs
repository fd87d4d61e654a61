using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Cogo.Core.Workspaces;

namespace Cogo.Workers.Codegen.OpenAi;

/// <summary>A tool call's answer to the model, and the short line that tells people of the call.</summary>
internal sealed record ToolAnswer(string Text, string Line);

/// <summary>
/// The tools of the openai engine, on the files of one working copy. No path leaves the project, nothing is run, and
/// whatever is wrong with a call is told to the model, which can do better.
/// </summary>
internal sealed class EditTools(WorkingCopy copy)
{
    private const int LongestFileBytes = 2 * 1024 * 1024;
    private const int LongestAnswer = 48_000;
    private const int MostMatches = 200;
    private const int MostListed = 2000;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly SortedSet<string> _written = new(StringComparer.Ordinal);

    /// <summary>Set when the model says that it is done.</summary>
    public string? Summary { get; private set; }

    public bool Finished => Summary is not null;

    /// <summary>Whether any call has changed a file, be it back again.</summary>
    public bool HasEdited { get; private set; }

    /// <summary>Files that were written and are still there: part of the change even where .gitignore names them.</summary>
    public IReadOnlyCollection<string> Written => _written;

    /// <param name="arguments">JSON as the model wrote it.</param>
    public async Task<ToolAnswer> CallAsync(string name, string arguments, CancellationToken cancellationToken)
    {
        try
        {
            using var parsed = JsonDocument.Parse(string.IsNullOrWhiteSpace(arguments) ? "{}" : arguments);
            var call = new ToolArguments(parsed.RootElement);
            return name switch
            {
                "list_files" => await ListAsync(call, cancellationToken),
                "read_file" => await ReadAsync(call, cancellationToken),
                "search" => await SearchAsync(call, cancellationToken),
                "write_file" => await WriteAsync(call, cancellationToken),
                "replace_in_file" => await ReplaceAsync(call, cancellationToken),
                "delete_file" => Delete(call),
                "finish" => Finish(call),
                _ => throw new ToolException($"There is no tool '{name}'. Use one of {string.Join(", ", ToolCatalog.Names)}."),
            };
        }
        catch (ToolException e)
        {
            return new ToolAnswer("error: " + e.Message, $"{name}: {e.Message}");
        }
        catch (JsonException e)
        {
            return new ToolAnswer($"error: The arguments are not JSON: {e.Message}", $"{name}: arguments that are not JSON");
        }
        catch (WorkspaceException e) when (e.Code == WorkspaceCodes.PatchEscapes)
        {
            return new ToolAnswer("error: " + e.Message, $"{name}: {e.Message}");
        }
        catch (RegexMatchTimeoutException)
        {
            return new ToolAnswer("error: That pattern takes too long. Use a simpler one.", $"{name}: a pattern that takes too long");
        }
        catch (Exception e) when (e is PathTooLongException or UnauthorizedAccessException)
        {
            // Not the machine's fault but the name's or the file's mode; a full disk goes up as IOException.
            return new ToolAnswer("error: The file system refuses that path. Use another.", $"{name}: refused by the file system");
        }
    }

    private async Task<ToolAnswer> ListAsync(ToolArguments call, CancellationToken cancellationToken)
    {
        var folder = call.OptionalText("path");
        var files = await BelowAsync(folder, cancellationToken);
        var text = new StringBuilder();
        foreach (var file in files.Take(MostListed))
            text.Append(file).Append('\n');
        if (files.Count > MostListed)
            text.Append($"({files.Count - MostListed} more: list a folder)\n");
        return new ToolAnswer(files.Count == 0 ? "(no files)" : Cut(text.ToString()), $"list_files {folder}");
    }

    private async Task<ToolAnswer> ReadAsync(ToolArguments call, CancellationToken cancellationToken)
    {
        var path = call.Text("path");
        var lines = Lines(await LoadAsync(path, cancellationToken));
        var first = Math.Max(call.OptionalNumber("start_line") ?? 1, 1);
        var last = Math.Min(call.OptionalNumber("end_line") ?? int.MaxValue, lines.Length);
        if (lines.Length == 0)
            return new ToolAnswer("(the file is empty)", $"read_file {path}");
        if (first > last)
            throw new ToolException($"{path} has {lines.Length} lines: lines {first} to {call.OptionalNumber("end_line") ?? lines.Length} are not there.");

        var text = new StringBuilder();
        var number = first;
        for (; number <= last && text.Length < LongestAnswer; number++)
            text.Append(number).Append('\t').Append(lines[number - 1].TrimEnd('\r')).Append('\n');
        if (number <= last)
            text.Append($"(cut: continue with start_line {number} of {lines.Length})\n");
        return new ToolAnswer(Cut(text.ToString()), first == 1 && last == lines.Length ? $"read_file {path}" : $"read_file {path} {first}-{last}");
    }

    private async Task<ToolAnswer> SearchAsync(ToolArguments call, CancellationToken cancellationToken)
    {
        var pattern = call.Text("pattern");
        var folder = call.OptionalText("path");
        Regex regex;
        try
        {
            // Linear in the length of the text, whatever the pattern.
            regex = new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | (call.OptionalFlag("ignore_case") ? RegexOptions.IgnoreCase : RegexOptions.None), TimeSpan.FromSeconds(5));
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new ToolException($"'{pattern}' is not a regular expression that can be used here: {e.Message}");
        }

        var found = new StringBuilder();
        var matches = 0;
        foreach (var path in await BelowAsync(folder, cancellationToken))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (await TryLoadAsync(path, cancellationToken) is not { } content)
                continue;

            var lines = Lines(content);
            for (var i = 0; i < lines.Length; i++)
            {
                if (!regex.IsMatch(lines[i]))
                    continue;
                if (++matches > MostMatches || found.Length > LongestAnswer)
                    return new ToolAnswer(found + "(cut: narrow the pattern or the path)\n", $"search {pattern}: more than {matches - 1} lines");
                var line = lines[i].TrimEnd('\r');
                found.Append($"{path}:{i + 1}: {(line.Length <= 300 ? line : string.Concat(line.AsSpan(0, 300), "…"))}\n");
            }
        }

        return new ToolAnswer(matches == 0 ? "(no line matches)" : found.ToString(), $"search {pattern}: {matches} lines");
    }

    private async Task<ToolAnswer> WriteAsync(ToolArguments call, CancellationToken cancellationToken)
    {
        var path = Named(call);
        var content = call.Text("content", mayBeEmpty: true);
        var full = copy.Project.Resolve(path);
        if (Directory.Exists(full))
            throw new ToolException($"{path} is a folder: name a file in it.");

        var old = File.Exists(full) ? await TryLoadAsync(path, cancellationToken) : null;
        await SaveAsync(path, full, old is null ? content : WithLineEndsOf(old, content), cancellationToken);
        return new ToolAnswer($"{(old is null ? "created" : "replaced")} {path}, {Lines(content).Length} lines", $"write_file {path}");
    }

    private async Task<ToolAnswer> ReplaceAsync(ToolArguments call, CancellationToken cancellationToken)
    {
        var path = Named(call);
        var content = await LoadAsync(path, cancellationToken);
        var (old, replacement) = (call.Text("old"), call.Text("new", mayBeEmpty: true));
        if (!content.Contains(old, StringComparison.Ordinal))
            old = WithLineEndsOf(content, old);
        replacement = WithLineEndsOf(content, replacement);
        var count = Count(content, old);
        if (count == 0)
            throw new ToolException($"'old' does not occur in {path}: read the file and copy the lines exactly, without the line numbers.");
        if (count > 1 && !call.OptionalFlag("all"))
            throw new ToolException($"'old' occurs {count} times in {path}: give more lines around it, or set all to true.");
        if (old == replacement)
            throw new ToolException("'old' and 'new' are the same.");

        await SaveAsync(path, copy.Project.Resolve(path), content.Replace(old, replacement, StringComparison.Ordinal), cancellationToken);
        return new ToolAnswer($"replaced {count} in {path}", $"replace_in_file {path}");
    }

    private ToolAnswer Delete(ToolArguments call)
    {
        var path = Named(call);
        var full = copy.Project.Resolve(path);
        if (!File.Exists(full))
            throw new ToolException($"There is no file {path}.");
        File.Delete(full);
        _written.Remove(path);
        HasEdited = true;
        return new ToolAnswer($"deleted {path}", $"delete_file {path}");
    }

    private ToolAnswer Finish(ToolArguments call)
    {
        Summary = call.OptionalText("summary") ?? "";
        return new ToolAnswer("ok", $"finish {Summary}");
    }

    private async Task SaveAsync(string path, string full, string content, CancellationToken cancellationToken)
    {
        var bytes = Encoding.UTF8.GetBytes(content);
        if (bytes.Length > LongestFileBytes)
            throw new ToolException($"A file may have at most {LongestFileBytes:N0} bytes.");
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        }
        catch (IOException) when (AncestorFile(full) is { } file)
        {
            throw new ToolException($"{Path.GetRelativePath(copy.Project.Root, file)} is a file, so {path} cannot be below it.");
        }

        await File.WriteAllBytesAsync(full, bytes, cancellationToken);
        _written.Add(path);
        HasEdited = true;
    }

    private string? AncestorFile(string full)
    {
        for (var at = Path.GetDirectoryName(full)!; at.Length > copy.Project.Root.Length; at = Path.GetDirectoryName(at)!)
        {
            if (File.Exists(at))
                return at;
        }

        return null;
    }

    /// <summary>A path in the one form that <c>./x</c> and <c>a//b</c> also mean.</summary>
    private static string Named(ToolArguments call)
    {
        var path = call.Text("path");
        return path.StartsWith('/') ? path : string.Join('/', path.Split('/').Where(part => part is not ("" or ".")));
    }

    private async Task<List<string>> BelowAsync(string? folder, CancellationToken cancellationToken)
    {
        var files = await copy.ListFilesAsync(cancellationToken);
        var prefix = folder?.Trim('/') is { Length: > 0 } and not "." ? folder.Trim('/') : null;
        if (prefix?.StartsWith("./", StringComparison.Ordinal) is true)
            prefix = prefix[2..];
        return [.. files.Where(file => prefix is null || file == prefix || file.StartsWith(prefix + "/", StringComparison.Ordinal))];
    }

    private async Task<string> LoadAsync(string path, CancellationToken cancellationToken)
    {
        var full = copy.Project.Resolve(path);
        if (Directory.Exists(full))
            throw new ToolException($"{path} is a folder: use list_files.");
        if (!File.Exists(full))
            throw new ToolException($"There is no file {path}: use list_files.");
        return await TryLoadAsync(path, cancellationToken) ?? throw new ToolException($"{path} is binary or larger than {LongestFileBytes:N0} bytes.");
    }

    /// <summary>Null for what is no UTF-8 text, is too large, or is reached through a link.</summary>
    private async Task<string?> TryLoadAsync(string path, CancellationToken cancellationToken)
    {
        if (copy.Project.Problem(path) is not null)
            return null;
        var full = copy.Project.Resolve(path);
        if (new FileInfo(full).Length > LongestFileBytes)
            return null;
        var bytes = await File.ReadAllBytesAsync(full, cancellationToken);
        try
        {
            return bytes.AsSpan().Contains((byte)0) ? null : StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static string[] Lines(string content)
    {
        var lines = content.Split('\n');
        return lines[^1].Length == 0 ? lines[..^1] : lines;
    }

    /// <summary>Models write LF; a file of CR LF keeps it.</summary>
    private static string WithLineEndsOf(string content, string text)
    {
        var plain = text.Replace("\r\n", "\n", StringComparison.Ordinal);
        return content.Contains("\r\n", StringComparison.Ordinal) ? plain.Replace("\n", "\r\n", StringComparison.Ordinal) : plain;
    }

    private static int Count(string content, string text)
    {
        var count = 0;
        for (var at = content.IndexOf(text, StringComparison.Ordinal); at >= 0; at = content.IndexOf(text, at + text.Length, StringComparison.Ordinal))
            count++;
        return count;
    }

    private static string Cut(string text) => text.Length <= LongestAnswer * 2 ? text : text[..(LongestAnswer * 2)] + "\n(cut)\n";
}
