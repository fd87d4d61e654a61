namespace Cogo.Core.Database;

/// <summary>The schema cannot be brought up to date. The message names the file and says what to do; the database is as it was before that file.</summary>
public sealed class MigrationException : Exception
{
    public MigrationException(string message)
        : base(message)
    {
    }

    public MigrationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public MigrationException()
    {
    }
}
