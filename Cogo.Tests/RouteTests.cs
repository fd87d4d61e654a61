using Cogo.Core.Bus;
using Xunit;

namespace Cogo.Tests;

public class RouteTests
{
    [Theory]
    [InlineData("codegen/generate/0")]
    [InlineData("workflow/indexing/0")]
    public void A_route_reads_back_as_it_was_written(string text) => Assert.Equal(text, Route.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("a/b/c/d")]
    [InlineData("A/b/0")]
    [InlineData("a//0")]
    [InlineData("a/b/0\n")]
    [InlineData("../b/0")]
    public void Anything_else_is_refused_with_a_sentence(string text)
    {
        var error = Assert.Throws<FormatException>(() => Route.Parse(text));
        Assert.Contains("service/role/shard", error.Message, StringComparison.Ordinal);
    }
}
