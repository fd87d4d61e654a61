using System.Globalization;
using System.Text.Json;
using Npgsql;
using Spectre.Console;

namespace Cogo.Cli.Jobs;

/// <summary>Rows of a query: a table for a person, or one JSON object a line. Returns how many there were.</summary>
internal sealed class RowView(Terminal terminal, bool json, TimeProvider time)
{
    /// <summary>In a pipe or a file lines are as long as they need to be; this much of a text is enough for a person.</summary>
    private const int LongestCell = 120;

    private const string Empty = "–";

    /// <param name="columns">
    /// What the table shows, what tells most first: a terminal shows as many as it has room for, and leaves out those that
    /// are empty. The JSON has every column.
    /// </param>
    public async Task<int> ShowAsync(NpgsqlCommand query, string[] columns, string nothing, CancellationToken cancellationToken)
    {
        await using var reader = await query.ExecuteReaderAsync(cancellationToken);
        var names = Enumerable.Range(0, reader.FieldCount).Select(reader.GetName).ToArray();
        var shown = columns.Select(name => Array.IndexOf(names, name)).ToArray();
        var rows = new List<(string Text, Style? Style)[]>();
        var count = 0;
        while (await reader.ReadAsync(cancellationToken))
        {
            count++;
            if (json)
            {
                await terminal.Out.WriteLineAsync(Line(reader));
            }
            else
            {
                rows.Add([.. shown.Select(index => names[index] == "status" ? Status(reader) : Cell(names[index], reader.IsDBNull(index) ? null : reader.GetValue(index)))]);
            }
        }

        if (!json && count == 0)
        {
            await terminal.Out.WriteLineAsync(nothing);
        }
        else if (!json)
        {
            Draw(columns, rows);
        }

        return count;
    }

    private void Draw(string[] columns, List<(string Text, Style? Style)[]> rows)
    {
        var headers = columns.Select(name => name.Replace('_', ' ')).ToArray();
        // Programs that read the table find every column in its place.
        var kept = Enumerable.Range(0, columns.Length).Where(column => !terminal.Interactive || rows.Exists(row => row[column].Text != Empty)).ToArray();
        var widths = kept.Select(column => Math.Max(headers[column].Length, rows.Max(row => row[column].Text.Length))).ToArray();
        var fitting = ColumnFit.Of(widths, terminal.Rich.Profile.Width);
        var table = new Table { Border = terminal.Interactive ? TableBorder.Rounded : TableBorder.None };
        foreach (var (column, width) in fitting)
        {
            var header = new Text(Terminal.OneLine(headers[kept[column]], width), new Style(decoration: Decoration.Bold));
            table.AddColumn(new TableColumn(header) { NoWrap = true });
        }

        foreach (var row in rows)
        {
            table.AddRow(fitting.Select(one => new Text(Terminal.OneLine(row[kept[one.Column]].Text, one.Width), row[kept[one.Column]].Style) { Overflow = Overflow.Ellipsis }));
        }

        terminal.Rich.Write(table);
        if (fitting.Count < kept.Length)
        {
            var left = string.Join(", ", kept.Skip(fitting.Count).Select(column => headers[column]));
            terminal.Rich.Write(new Text($"No room here for {left}; --json has all.\n", new Style(decoration: Decoration.Dim)));
        }
    }

    /// <summary>A row as JSON, without what is null.</summary>
    public static string Line(NpgsqlDataReader reader)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = CogoJsonEncoder }))
        {
            writer.WriteStartObject();
            for (var i = 0; i < reader.FieldCount; i++)
            {
                if (reader.IsDBNull(i))
                {
                    continue;
                }

                writer.WritePropertyName(reader.GetName(i));
                if (reader.GetDataTypeName(i) is "jsonb" or "json")
                {
                    writer.WriteRawValue(reader.GetString(i));
                }
                else
                {
                    JsonSerializer.Serialize(writer, reader.GetValue(i), Core.CogoJson.Options);
                }
            }

            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>The status of a job, and why it waits when something keeps it from running.</summary>
    public static (string Text, Style? Style) Status(NpgsqlDataReader reader)
    {
        var status = reader.GetString(reader.GetOrdinal("status"));
        var why = Enumerable.Range(0, reader.FieldCount).FirstOrDefault(index => reader.GetName(index) == "waits_for", -1);
        return (why < 0 || reader.IsDBNull(why) ? status : $"{status} ({reader.GetString(why)})", Colour(status));
    }

    /// <summary>A moment, and how long ago or how soon it is.</summary>
    public static string Moment(DateTime at, TimeProvider time) => at == DateTime.MaxValue || at == DateTime.MinValue
        ? "never"
        : string.Create(CultureInfo.InvariantCulture, $"{at.ToUniversalTime():yyyy-MM-dd HH:mm:ss} UTC, {Ago(at, time)}");

    private static System.Text.Encodings.Web.JavaScriptEncoder CogoJsonEncoder => System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    private (string Text, Style? Style) Cell(string name, object? value) => value switch
    {
        null => (Empty, new Style(decoration: Decoration.Dim)),
        DateTime at => (Ago(at, time), null),
        bool paused when name == "paused" => (paused ? "paused" : "no", paused ? new Style(Color.Yellow) : null),
        bool yes => (yes ? "yes" : "no", new Style(yes ? Color.Green : Color.Red)),
        string[] list => (Terminal.OneLine(string.Join(", ", list), LongestCell), null),
        double fraction when name == "progress" => (fraction.ToString("P0", CultureInfo.InvariantCulture), null),
        long bytes when name is "bytes" or "memory_bytes" => (Size(bytes), null),
        _ => (Terminal.OneLine(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "", LongestCell), null),
    };

    private static Style Colour(string status) => new(status switch
    {
        "succeeded" => Color.Green,
        "failed" => Color.Red,
        "running" => Color.Blue,
        "retrying" => Color.Yellow,
        _ => Color.Default,
    });

    /// <summary>How long ago, or how soon: what a person asks. The JSON has the moment itself.</summary>
    private static string Ago(DateTime at, TimeProvider time)
    {
        if (at == DateTime.MaxValue || at == DateTime.MinValue)
        {
            return "never";
        }

        var span = time.GetUtcNow().UtcDateTime - at.ToUniversalTime();
        var text = span.Duration() switch
        {
            { TotalSeconds: < 1 } => "now",
            { TotalMinutes: < 1 } s => $"{(int)s.TotalSeconds} s",
            { TotalHours: < 1 } m => $"{(int)m.TotalMinutes} min",
            { TotalDays: < 2 } h => $"{(int)h.TotalHours} h",
            var d => $"{(int)d.TotalDays} d",
        };
        return text == "now" ? text : span > TimeSpan.Zero ? $"{text} ago" : $"in {text}";
    }

    private static string Size(long bytes) => bytes switch
    {
        < 1024 => $"{bytes} B",
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.0} KiB"),
        < 1024L * 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0 / 1024:0.0} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0 / 1024 / 1024:0.0} GiB"),
    };
}
