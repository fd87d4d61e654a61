using Cogo.Core.Database;

namespace Cogo.Core.Artifacts;

internal static class ArtifactQueries
{
    public static readonly string Upsert = SqlText.Load("upsert_artifact");

    public static readonly string Find = SqlText.Load("find_artifact");

    public static readonly string List = SqlText.Load("list_artifacts");
}
