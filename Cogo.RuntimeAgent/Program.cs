using Cogo.ServiceDefaults;

// The sandbox service. It answers its health checks; runtimes are not part of it yet.
return await CogoProgram.RunAsync("cogo-runtime-agent", defaultPort: 3100, args, _ => { }, app => app.MapCogoHealth());
