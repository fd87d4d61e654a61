using Cogo.Core.Processes;
using Xunit;

namespace Cogo.Tests.BuildTest;

/// <summary>A file system of 8 MiB in memory, mounted for the time of one action.</summary>
internal sealed class SmallDisk(string folder)
{
    /// <summary>Null when mounting is not allowed here.</summary>
    public async Task<T?> UseAsync<T>(Func<Task<T>> action)
        where T : class
    {
        if (!(await RunAsync("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder)).Succeeded)
            return null;
        try
        {
            return await action();
        }
        finally
        {
            var unmounted = await RunAsync("umount", folder);
            Assert.True(unmounted.Succeeded, unmounted.StandardErrorTail);
        }
    }

    private static Task<ProcessResult> RunAsync(string command, params string[] arguments) =>
        ProcessTree.RunAsync(new ProcessSpec { FileName = command, Arguments = arguments, WorkingDirectory = "/" }, null, Containment.Session, CancellationToken.None);
}
