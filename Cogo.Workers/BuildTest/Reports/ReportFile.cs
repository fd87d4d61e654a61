namespace Cogo.Workers.BuildTest.Reports;

public enum ReportFormat
{
    Trx,
    Junit,
    Tap,
    GoJson,
}

/// <summary>One report on disk.</summary>
internal static class ReportFile
{
    /// <summary>A larger report is refused: 32 MiB.</summary>
    public const long MaxBytes = 32L << 20;

    /// <summary>By the name, for reports that were left in the report folder; null: not a report.</summary>
    public static ReportFormat? FormatOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".TRX" => ReportFormat.Trx,
        ".XML" => ReportFormat.Junit,
        ".TAP" => ReportFormat.Tap,
        ".JSON" when path.EndsWith("go-test.json", StringComparison.OrdinalIgnoreCase) => ReportFormat.GoJson,
        _ => null,
    };

    /// <summary>Adds the report's cases, or its lines when it is a coverage report. Returns whether it held test results.</summary>
    /// <exception cref="MalformedReportException">It cannot be believed; the message names the file.</exception>
    public static bool Read(string path, string displayPath, ReportFormat format, SourceLocation locations, List<TestCase> cases, CoberturaReport coverage)
    {
        try
        {
            // Before opening: a pipe or socket has no length, and opening it would wait for ever.
            var length = new FileInfo(path).Length;
            if (length == 0)
                throw new MalformedReportException("it is empty");
            if (length > MaxBytes)
                throw new MalformedReportException($"it has {length} bytes, more than the {MaxBytes} that are read");
            using var stream = File.OpenRead(path);
            switch (format)
            {
                case ReportFormat.Trx:
                    cases.AddRange(TrxReport.Read(XmlReport.Load(stream), locations));
                    return true;
                case ReportFormat.Junit:
                    var root = XmlReport.Load(stream);
                    if (root.Name.LocalName == "coverage")
                    {
                        coverage.Add(root);
                        return false;
                    }

                    cases.AddRange(JUnitReport.Read(root, locations));
                    return true;
                case ReportFormat.Tap:
                    using (var reader = new StreamReader(stream))
                        cases.AddRange(TapReport.Read(reader, locations));
                    return true;
                default:
                    using (var reader = new StreamReader(stream))
                        cases.AddRange(GoTestReport.Read(reader, locations));
                    return true;
            }
        }
        catch (MalformedReportException e)
        {
            throw new MalformedReportException($"The test report {displayPath} cannot be used: {e.Message}.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Text.RegularExpressions.RegexMatchTimeoutException)
        {
            throw new MalformedReportException($"The test report {displayPath} cannot be read: {e.Message}", e);
        }
    }
}
