using Xunit;

namespace Cogo.Tests.Fixtures;

/// <summary>Tests that want the machine to themselves: none of any other class runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
