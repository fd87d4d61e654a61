// What there is and how it is wired; how each part works is in the part.
var builder = DistributedApplication.CreateBuilder(args);

var database = builder.AddPostgres("postgres")
    .WithDataVolume("pgdata")
    .AddDatabase("cogo");

// The schema comes up once, before anybody reads it.
var migrate = builder.AddProject<Projects.Cogo_Cli>("migrate")
    .WithArgs("migrate")
    .WithReference(database)
    .WaitFor(database);

builder.AddProject<Projects.Cogo_Api>("api")
    .WithReference(database)
    .WaitForCompletion(migrate)
    .WithHttpHealthCheck("/api/integration/status")
    .WithExternalHttpEndpoints();

AddWorker("executor-dispatcher", "orchestrator", "execute");
AddWorker("codegen-worker", "codegen", "generate");
AddWorker("buildtest-worker", "code", "build-test");
AddWorker("workflow-worker", "workflow", "run");

builder.AddProject<Projects.Cogo_RuntimeAgent>("runtime-agent")
    .WithHttpHealthCheck("/health");

builder.Build().Run();

void AddWorker(string name, string service, string role) =>
    builder.AddProject<Projects.Cogo_Workers>(name)
        .WithEnvironment("AGENT_SERVICE", service)
        .WithEnvironment("AGENT_ROLE", role)
        .WithEnvironment("AGENT_SHARD", "0")
        .WithReference(database)
        .WaitForCompletion(migrate)
        .WithHttpHealthCheck("/health");
