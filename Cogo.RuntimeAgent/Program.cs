using Cogo.ServiceDefaults;

// The sandbox service. It answers its health checks; runtimes are not part of it yet.
var builder = WebApplication.CreateBuilder(args);
if (!ListenAddress.TryApply(builder, defaultPort: 3100, out var problem))
{
    await Console.Error.WriteLineAsync($"cogo-runtime-agent: {problem}");
    return 3;
}

builder.AddCogoServiceDefaults();
await using var app = builder.Build();
app.MapCogoHealth();
await app.RunAsync();
return 0;
