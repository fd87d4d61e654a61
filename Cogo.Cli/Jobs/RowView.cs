using System.Globalization;
using System.Text.Json;
using Npgsql;
using Spectre.Console;

namespace Cogo.Cli.Jobs;

/// <summary>Rows of a query: a table for a person, or one JSON object a line. Returns how many there were.</summary>
internal sealed class RowView(Terminal terminal, bool json, TimeProvider time)
{
    private const int CellLength = 60;

    /// <param name="columns">What the table shows; the JSON has every column. Null: all.</param>
    public async Task<int> ShowAsync(NpgsqlCommand query, string[]? columns, string nothing, CancellationToken cancellationToken)
    {
        await using var reader = await query.ExecuteReaderAsync(cancellationToken);
        var names = Enumerable.Range(0, reader.FieldCount).Select(reader.GetName).ToArray();
        var shown = (columns ?? names).Select(name => Array.IndexOf(names, name)).ToArray();
        var table = new Table { Border = terminal.Interactive ? TableBorder.Rounded : TableBorder.None };
        foreach (var index in shown)
        {
            table.AddColumn(new TableColumn(new Text(names[index].Replace('_', ' '), new Style(decoration: Decoration.Bold))) { NoWrap = true });
        }

        var rows = 0;
        while (await reader.ReadAsync(cancellationToken))
        {
            rows++;
            if (json)
            {
                await terminal.Out.WriteLineAsync(Line(reader, names));
            }
            else
            {
                table.AddRow(shown.Select(index => Cell(names[index], reader.IsDBNull(index) ? null : reader.GetValue(index))));
            }
        }

        if (!json)
        {
            if (rows == 0)
            {
                await terminal.Out.WriteLineAsync(nothing);
            }
            else
            {
                terminal.Rich.Write(table);
            }
        }

        return rows;
    }

    private static string Line(NpgsqlDataReader reader, string[] names)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = CogoJsonEncoder }))
        {
            writer.WriteStartObject();
            for (var i = 0; i < names.Length; i++)
            {
                if (reader.IsDBNull(i))
                {
                    continue;
                }

                writer.WritePropertyName(names[i]);
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

    private static System.Text.Encodings.Web.JavaScriptEncoder CogoJsonEncoder => System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    private Text Cell(string name, object? value) => value switch
    {
        null => new Text("–", new Style(decoration: Decoration.Dim)),
        DateTime at => new Text(Ago(at)),
        bool yes => new Text(yes ? "yes" : "no", new Style(yes ? Color.Green : Color.Red)),
        string status when name == "status" => new Text(status, Colour(status)),
        string[] list => new Text(Terminal.OneLine(string.Join(", ", list), CellLength)),
        double fraction when name == "progress" => new Text(fraction.ToString("P0", CultureInfo.InvariantCulture)),
        long bytes when name is "bytes" or "memory_bytes" => new Text(Size(bytes)),
        _ => new Text(Terminal.OneLine(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "", CellLength)),
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
    private string Ago(DateTime at)
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
