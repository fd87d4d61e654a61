using Cogo.ServiceDefaults;
using Cogo.Workers.Hosting;

try
{
    var builder = WebApplication.CreateBuilder(args);
    var mode = WorkerMode.Read(builder.Configuration);
    // Health checks only: any free port will do where none is given.
    if (!ListenAddress.TryApply(builder, defaultPort: 0, out var problem))
    {
        throw new FormatException(problem);
    }

    builder.AddCogoServiceDefaults();
    builder.AddCogoDataSource();
    if (mode == WorkerMode.Database)
    {
        builder.Services.AddCogoJobWorkers(builder.Configuration);
    }
    else
    {
        builder.Services.AddCogoWorkers(builder.Configuration, [WorkerRoute.Read(builder.Configuration)]);
    }

    await using var app = builder.Build();
    app.MapCogoHealth();
    await app.RunAsync();
    return 0;
}
catch (FormatException e)
{
    await Console.Error.WriteLineAsync($"cogo-worker: {e.Message}");
    return 3;
}
