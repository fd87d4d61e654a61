using System.Text.RegularExpressions;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.House;

public partial class SourceTests
{
    private const int MostLines = 350;

    [Fact]
    public void A_file_can_be_read_at_a_sitting()
    {
        var tooLong = Repository.SourceFiles()
            .Select(file => (File: Path.GetRelativePath(Repository.Root, file), Lines: File.ReadLines(file).Count()))
            .Where(file => file.Lines > MostLines)
            .Select(file => $"{file.File}: {file.Lines} lines");

        Assert.Empty(tooLong);
    }

    [Fact]
    public void A_type_is_named_for_what_it_is()
    {
        var vague = Repository.SourceFiles().Select(file => Path.GetFileNameWithoutExtension(file)).Where(name => VagueName().IsMatch(name));

        Assert.Empty(vague);
    }

    [Theory]
    [InlineData("package-lock.json")]
    [InlineData("benchmarks/peers/package-lock.json")]
    public void No_lock_file_names_the_host_it_was_made_with(string file)
    {
        var named = File.ReadLines(Path.Combine(Repository.Root, file))
            .Where(line => line.Contains("\"resolved\"", StringComparison.Ordinal) || line.Contains("://registry", StringComparison.OrdinalIgnoreCase));

        Assert.Empty(named);
    }

    [GeneratedRegex("(Manager|Helper|Helpers|Util|Utils|Utility|Processor)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex VagueName();
}
