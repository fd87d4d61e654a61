using System.Text.RegularExpressions;

namespace Cogo.Core.Processes;

/// <summary>The environment that a process tree starts with.</summary>
public static partial class ProcessEnvironment
{
    /// <summary>
    /// The variables for <paramref name="spec"/>: ours, or with <see cref="ProcessSpec.CleanEnvironment"/> only what
    /// toolchains need, and the spec's own laid over them.
    /// </summary>
    public static IReadOnlyDictionary<string, string> For(ProcessSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            var name = (string)entry.Key;
            if (!spec.CleanEnvironment || IsHarmless(name))
                result[name] = (string?)entry.Value ?? "";
        }

        foreach (var (name, value) in spec.Environment)
        {
            if (value is null)
                result.Remove(name);
            else
                result[name] = value;
        }

        return result;
    }

    /// <summary>Whether a clean environment keeps the variable: a toolchain's setting, and nothing that looks like a secret.</summary>
    public static bool IsHarmless(string name) => Toolchains().IsMatch(name) && !Secrets().IsMatch(name);

    // NODE_OPTIONS, JAVA_TOOL_OPTIONS and the like stay: a machine that needs them cannot build without.
    // Upper-case proxies and certificate bundles: without them a restore behind a proxy cannot work.
    [GeneratedRegex(
        """
        ^(PATH|HOME|USER|LOGNAME|SHELL|TZ|LANG|LANGUAGE|LC_[A-Z]+|TMPDIR|TEMP|TMP|TERM|XDG_[A-Z_]+
        |(HTTP|HTTPS|FTP|ALL|NO)_PROXY|(http|https|ftp|all|no)_proxy|SSL_CERT_(FILE|DIR)|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE
        |(DOTNET|NUGET|MSBUILD)[A-Za-z0-9_]*|MSBuild[A-Za-z0-9]*|npm_config_\w+|NPM_CONFIG_\w+|NODE_\w+|NVM_(DIR|BIN|INC)|VOLTA_HOME|PNPM_HOME|COREPACK_\w+|YARN_\w+
        |CARGO(_\w+)?|RUSTUP_\w+|RUST(C|FLAGS|DOCFLAGS|_BACKTRACE)\w*|GO(PATH|ROOT|CACHE|MODCACHE|FLAGS|PROXY|SUMDB|NOSUMDB|PRIVATE|NOPROXY|BIN|TOOLCHAIN|OS|ARCH|ENV|TMPDIR|WORK|MAXPROCS|111MODULE)|CGO_\w+
        |JAVA_HOME|JDK_HOME|JAVA_TOOL_OPTIONS|MAVEN_\w+|M2_HOME|GRADLE_\w+
        |PIP_\w+|PYTHON[A-Z0-9]*|PYENV_\w+|VIRTUAL_ENV|CONDA_\w+|UV_\w+|POETRY_\w+
        |CC|CXX|CFLAGS|CXXFLAGS|CPPFLAGS|LDFLAGS|LD_LIBRARY_PATH|PKG_CONFIG_PATH|MAKEFLAGS|DEVELOPER_DIR|SDKROOT)$
        """,
        RegexOptions.CultureInvariant | RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Toolchains();

    // pip and NuGet carry credentials in variables that look like settings: an index URL with user:password,
    // a feed's endpoint list. Those are refused by name.
    [GeneratedRegex(
        "ConnectionString|(^|_)KEY($|_|S$)|APIKEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|(^|_)AUTH($|_)|_AUTH|FEED_ENDPOINTS|EXTERNAL_FEED",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Secrets();

    /// <summary>The absolute path of a command as a shell in that environment would find it.</summary>
    /// <exception cref="CommandNotFoundException">No executable file of that name.</exception>
    internal static string Resolve(string fileName, string workingDirectory, IReadOnlyDictionary<string, string> environment)
    {
        var path = environment.GetValueOrDefault("PATH") ?? "/usr/local/bin:/usr/bin:/bin";
        var candidates = fileName.Contains('/', StringComparison.Ordinal)
            ? [Path.Combine(workingDirectory, fileName)]
            : path.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
                .Select(folder => Path.Combine(workingDirectory, folder, fileName));
        foreach (var candidate in candidates)
        {
            if (IsExecutable(candidate))
                return Path.GetFullPath(candidate);
        }

        throw new CommandNotFoundException(
            $"The command '{fileName}' was not found as an executable file {(fileName.Contains('/', StringComparison.Ordinal) ? "in " + workingDirectory : "on PATH (" + path + ")")}. Install it or correct the name.");
    }

    private static bool IsExecutable(string path)
    {
        const UnixFileMode anyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return File.Exists(path) && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & anyExecute) != UnixFileMode.None);
    }
}
