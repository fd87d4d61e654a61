using Cogo.Core.Database;

namespace Cogo.Core.Artifacts;

internal static class ArtifactQueries
{
    public static readonly string Upsert = SqlQuery.Load("upsert_artifact");

    public static readonly string Find = SqlQuery.Load("find_artifact");

    public static readonly string List = SqlQuery.Load("list_artifacts");

    public static readonly string ListExpired = SqlQuery.Load("list_expired_artifacts");

    public static readonly string Lock = SqlQuery.Load("lock_artifact");

    public static readonly string Await = SqlQuery.Load("await_artifact");

    public static readonly string NoteLeftover = SqlQuery.Load("note_leftover");

    public static readonly string StrikeLeftover = SqlQuery.Load("strike_leftover");

    public static readonly string ListLeftovers = SqlQuery.Load("list_leftovers");

    public static readonly string Delete = SqlQuery.Load("delete_artifact");
}
