using System.Globalization;
using System.Text;
using System.Xml;

namespace Cogo.Core.Notifications;

/// <summary>Writes the shapes of an SVG picture. All text is escaped; characters that XML does not know are left out.</summary>
internal sealed class Drawing : IDisposable
{
    private const string Namespace = "http://www.w3.org/2000/svg";

    private readonly StringBuilder _text = new();
    private readonly XmlWriter _xml;

    /// <param name="title">What it is, for those who do not see it.</param>
    public Drawing(int width, int height, string title, string description, string style)
    {
        _xml = XmlWriter.Create(_text, new XmlWriterSettings { OmitXmlDeclaration = true, Indent = true, NewLineChars = "\n", IndentChars = " " });
        _xml.WriteStartElement("svg", Namespace);
        Attributes(("viewBox", $"0 0 {Number(width)} {Number(height)}"), ("width", Number(width)), ("height", Number(height)), ("role", "img"), ("aria-labelledby", "title description"));
        Element("title", title, ("id", "title"));
        Element("desc", description, ("id", "description"));
        Element("style", style);
    }

    /// <summary>A pattern of slanted lines, so that what is red can be told without its colour.</summary>
    public void HatchPattern(string id, string lineClass)
    {
        _xml.WriteStartElement("defs", Namespace);
        _xml.WriteStartElement("pattern", Namespace);
        Attributes(("id", id), ("width", "6"), ("height", "6"), ("patternUnits", "userSpaceOnUse"), ("patternTransform", "rotate(45)"));
        Element("rect", null, ("class", lineClass), ("width", "2"), ("height", "6"));
        _xml.WriteEndElement();
        _xml.WriteEndElement();
    }

    public void Rectangle(string style, double x, double y, double width, double height, double radius = 0)
    {
        if (width > 0 && height > 0)
        {
            Element("rect", null, ("class", style), ("x", Number(x)), ("y", Number(y)), ("width", Number(width)), ("height", Number(height)), ("rx", Number(radius)));
        }
    }

    public void Line(string style, double x1, double y1, double x2, double y2) =>
        Element("line", null, ("class", style), ("x1", Number(x1)), ("y1", Number(y1)), ("x2", Number(x2)), ("y2", Number(y2)));

    /// <param name="path">Commands around 0, 0, moved to x, y.</param>
    public void Path(string style, double x, double y, string path) =>
        Element("path", null, ("class", style), ("transform", $"translate({Number(x)} {Number(y)})"), ("d", path));

    public void Circle(string style, double x, double y, double radius) =>
        Element("circle", null, ("class", style), ("cx", Number(x)), ("cy", Number(y)), ("r", Number(radius)));

    /// <param name="most">Characters that there is room for; what is longer ends with …</param>
    /// <param name="anchor"><c>start</c>, <c>middle</c> or <c>end</c>.</param>
    public void Text(string style, double x, double y, string text, int most, string anchor = "start") =>
        Element("text", Fit(Clean(text), most), ("class", style), ("x", Number(x)), ("y", Number(y)), ("text-anchor", anchor));

    /// <summary>The picture; nothing can be drawn after.</summary>
    public string End()
    {
        _xml.WriteEndElement();
        _xml.Flush();
        return _text.Append('\n').ToString();
    }

    public void Dispose() => _xml.Dispose();

    private void Element(string name, string? text, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        _xml.WriteStartElement(name, Namespace);
        Attributes(attributes);
        if (text is not null)
        {
            _xml.WriteString(Clean(text));
        }

        _xml.WriteEndElement();
    }

    private void Attributes(params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        foreach (var (name, value) in attributes)
        {
            _xml.WriteAttributeString(name, value);
        }
    }

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private static string Fit(string text, int most) => text.Length <= most ? text : string.Concat(text.AsSpan(0, most - 1).TrimEnd(), "…");

    private static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            // A surrogate without its other half comes as U+FFFD.
            if (rune.Value > 0xffff || XmlConvert.IsXmlChar((char)rune.Value))
            {
                clean.Append(rune.ToString());
            }
        }

        return clean.ToString();
    }
}
