using Cogo.Core.Database;

namespace Cogo.Core.Artifacts;

internal static class ArtifactQueries
{
    public static readonly string Upsert = SqlQuery.Load("upsert_artifact");

    public static readonly string Find = SqlQuery.Load("find_artifact");

    public static readonly string List = SqlQuery.Load("list_artifacts");

    public static readonly string ListExpired = SqlQuery.Load("list_expired_artifacts");

    public static readonly string Delete = SqlQuery.Load("delete_artifact");
}
