using Cogo.ServiceDefaults;
using Cogo.Workers.Hosting;

return await CogoProgram.RunAsync(
    "cogo-worker",
    defaultPort: 0, // health checks only: any free one will do where none is given
    args,
    builder =>
    {
        var mode = WorkerMode.Read(builder.Configuration);
        var routes = mode == WorkerMode.Database ? [] : new[] { WorkerRoute.Read(builder.Configuration) };
        builder.Configuration.RequireCogoDatabase();
        builder.AddCogoDataSource();
        if (mode == WorkerMode.Database)
        {
            builder.Services.AddCogoJobWorkers(builder.Configuration);
        }
        else
        {
            builder.Services.AddCogoWorkers(builder.Configuration, routes);
        }
    },
    app => app.MapCogoHealth());
