namespace Cogo.Core.Database.Embedded;

/// <summary>The embedded Postgres cannot run. The message says what happened, where, and what to do.</summary>
public sealed class EmbeddedPostgresException : Exception
{
    public EmbeddedPostgresException(string message)
        : base(message)
    {
    }

    public EmbeddedPostgresException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public EmbeddedPostgresException()
    {
    }
}
