using System.Globalization;
using System.Xml.Linq;

namespace Cogo.Workers.BuildTest.Reports;

/// <summary>Cobertura XML. Partial classes, generics and several reports name the same line: its hits are united.</summary>
internal sealed class CoberturaReport
{
    private readonly Dictionary<(string File, int Line), bool> _lines = [];

    public void Add(XElement root)
    {
        foreach (var type in root.All("class"))
        {
            var file = type.Text("filename") ?? throw new MalformedReportException("a <class> has no filename");
            foreach (var line in type.All("line"))
            {
                if (!int.TryParse(line.Text("number"), CultureInfo.InvariantCulture, out var number)
                    || !long.TryParse(line.Text("hits"), CultureInfo.InvariantCulture, out var hits))
                {
                    throw new MalformedReportException($"a <line> of {file} lacks number or hits");
                }

                _lines[(file, number)] = _lines.GetValueOrDefault((file, number)) || hits > 0;
            }
        }
    }

    public Coverage? Total => _lines.Count == 0 ? null : new Coverage(_lines.Count, _lines.Values.Count(hit => hit));
}
