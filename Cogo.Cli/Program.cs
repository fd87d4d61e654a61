using System.Runtime.InteropServices;
using Cogo.Cli;

using var stop = new CancellationTokenSource();
// The first signal drains; a second one does not wait.
void OnSignal(PosixSignalContext context)
{
    if (!stop.IsCancellationRequested)
    {
        context.Cancel = true;
        stop.Cancel();
    }
}

using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnSignal);
var terminal = Terminal.OfProcess();
Surroundings surroundings;
try
{
    surroundings = Surroundings.OfProcess();
}
catch (InputException e)
{
    await terminal.Error.WriteLineAsync($"cogo: {e.Message}");
    return ExitCodes.Invalid;
}

return await CogoCommandLine.RunAsync(args, terminal, surroundings, stop.Token);
