using Cogo.Api;
using Cogo.Core.Bus;
using Cogo.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
if (!ListenAddress.TryApply(builder, defaultPort: 3000, out var problem))
{
    await Console.Error.WriteLineAsync(problem);
    return 3;
}

builder.AddCogoServiceDefaults();
builder.AddCogoDataSource();
builder.Services.AddCogoBus(builder.Configuration);
builder.AddCogoApi();
await using var app = builder.Build();
app.MapCogoApi();
await app.RunAsync();
return 0;
