using Cogo.Api;
using Cogo.Core.Bus;
using Cogo.ServiceDefaults;

return await CogoProgram.RunAsync(
    "cogo-api",
    defaultPort: 3000,
    args,
    builder =>
    {
        builder.Configuration.RequireCogoDatabase();
        builder.AddCogoDataSource();
        builder.Services.AddCogoBus(builder.Configuration);
        builder.AddCogoApi();
    },
    app => app.MapCogoApi());
