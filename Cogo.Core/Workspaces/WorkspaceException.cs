using Cogo.Core.Pipeline;

namespace Cogo.Core.Workspaces;

/// <summary>A repository, a base or a patch that cannot be worked with. The message is a sentence that says what to do.</summary>
public sealed class WorkspaceException : Exception
{
    /// <param name="code">One of <see cref="WorkspaceCodes"/>.</param>
    /// <param name="message">What happened, where, and what to do; holds no credentials.</param>
    /// <param name="verdict"><see cref="Verdict.Invalid"/>, or <see cref="Verdict.Infrastructure"/> when trying again may help.</param>
    public WorkspaceException(string code, string message, Verdict verdict = Verdict.Invalid, Exception? innerException = null)
        : base(message, innerException)
    {
        Code = code;
        Verdict = verdict;
    }

    public string Code { get; }

    public Verdict Verdict { get; }
}

/// <summary>The words in <see cref="WorkspaceException.Code"/>.</summary>
public static class WorkspaceCodes
{
    public const string RepoNotFound = "repo_not_found";
    public const string NotARepository = "not_a_repository";
    public const string EmptyRepository = "empty_repository";
    public const string UnknownBase = "unknown_base";
    public const string SubfolderNotInBase = "subfolder_not_in_base";
    public const string DirtyRepository = "dirty_repository";
    public const string CloneFailed = "clone_failed";
    public const string PatchEmpty = "patch_empty";
    public const string PatchTooLarge = "patch_too_large";
    public const string PatchMalformed = "patch_malformed";
    public const string PatchBinary = "patch_binary";
    public const string PatchEscapes = "patch_escapes";
    public const string PatchDoesNotApply = "patch_does_not_apply";

    /// <summary>A file was changed in the repository but outside the folder that is the project.</summary>
    public const string ChangeOutsideProject = "change_outside_project";

    /// <summary>git is not installed, timed out, or failed in a way that is not the request's fault.</summary>
    public const string GitFailed = "git_failed";

    /// <summary>The work folder cannot be written or is held by another process for too long.</summary>
    public const string WorkFolderUnusable = "work_folder_unusable";
}
