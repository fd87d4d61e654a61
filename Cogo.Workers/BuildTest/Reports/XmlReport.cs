using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace Cogo.Workers.BuildTest.Reports;

/// <summary>Reads XML that a stranger wrote: no DTD, no external entity, no document beyond the cap.</summary>
internal static class XmlReport
{
    /// <exception cref="MalformedReportException">Not well-formed, too large, or with a DTD.</exception>
    public static XElement Load(Stream stream)
    {
        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = ReportFile.MaxBytes,
        };
        try
        {
            using var reader = XmlReader.Create(stream, settings);
            return XDocument.Load(reader).Root!;
        }
        catch (XmlException e)
        {
            throw new MalformedReportException($"not well-formed XML (line {e.LineNumber}): {e.Message}", e);
        }
    }

    /// <summary>Children by local name: reports come with and without a namespace.</summary>
    public static XElement? Child(this XElement element, string name) => element.Elements().FirstOrDefault(child => child.Name.LocalName == name);

    public static IEnumerable<XElement> All(this XElement element, string name) => element.Descendants().Where(child => child.Name.LocalName == name);

    public static string? Text(this XElement element, string attribute) =>
        element.Attribute(attribute)?.Value is { Length: > 0 } value ? value : null;

    public static double? Seconds(this XElement element, string attribute) =>
        double.TryParse(element.Text(attribute), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) && value >= 0 ? value : null;
}
