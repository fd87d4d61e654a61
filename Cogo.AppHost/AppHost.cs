// What there is and how it is wired; how each part works is in the part. docs/deploy.md lists the settings.
using Cogo.AppHost;
using Microsoft.Extensions.Configuration;

var builder = DistributedApplication.CreateBuilder(args);
var publish = builder.ExecutionContext.IsPublishMode;
var deployment = Deployment.Add(builder);
var artifacts = new ArtifactStorage(builder);
var openAiKey = builder.AddParameter("openai-api-key", () => builder.Configuration["Parameters:openai-api-key"] ?? "", secret: true);
var figmaToken = builder.AddParameter("figma-api-token", () => builder.Configuration["Parameters:figma-api-token"] ?? "", secret: true);

// A server of its own, unless ConnectionStrings:cogo names another one. Its log can be followed row by row, for Realtime
// servers and for replicas of some tables.
var existing = !string.IsNullOrEmpty(builder.Configuration.GetConnectionString("cogo"));
IResourceBuilder<IResourceWithConnectionString> database = existing
    ? builder.AddConnectionString("cogo")
    : deployment.Postgres(builder.AddPostgres("postgres").WithDataVolume("pgdata").WithArgs("-c", "wal_level=logical")).AddDatabase("cogo");

// The schema comes up once, before anybody reads it.
var migrate = builder.AddProject<Projects.Cogo_Cli>("migrate")
    .WithArgs("migrate")
    .WithReference(database)
    .WaitFor(database);
deployment.Once(migrate, "cogo-cli");

var api = builder.AddProject<Projects.Cogo_Api>("api")
    .WithHttpEndpoint(port: publish ? null : 3000, targetPort: publish ? 3000 : null, name: "http", env: "PORT")
    .WithExternalHttpEndpoints()
    .WithReference(database)
    .WaitForCompletion(migrate)
    .WithHttpHealthCheck("/api/integration/status")
    .WithReplicas(Replicas("api"))
    .WithUrlForEndpoint("http", (EndpointReference _) => new ResourceUrlAnnotation { Url = "/scalar", DisplayText = "API reference" })
    .WithUrlForEndpoint("http", (EndpointReference _) => new ResourceUrlAnnotation { Url = "/dashboard/local", DisplayText = "Dashboard" });
artifacts.For(api);
deployment.Service(api, "cogo-agent-core", readiness: "/api/integration/status", outside: 3001);

Worker("executor-dispatcher")
    .WithEnvironment("AGENT_SERVICE", "orchestrator")
    .WithEnvironment("AGENT_ROLE", "execute")
    .WithEnvironment("AGENT_SHARD", "0");
Worker("codegen-worker")
    .WithEnvironment("AGENT_SERVICE", "codegen")
    .WithEnvironment("AGENT_ROLE", "generate")
    .WithEnvironment("AGENT_SHARD", "0")
    .WithEnvironment("OPENAI_API_KEY", openAiKey);
Worker("buildtest-worker")
    .WithEnvironment("AGENT_SERVICE", "code")
    .WithEnvironment("AGENT_ROLE", "build-test")
    .WithEnvironment("AGENT_SHARD", "0");
Worker("workflow-worker")
    .WithEnvironment("AGENT_SERVICE", "workflow")
    .WithEnvironment("AGENT_ROLE", "run")
    .WithEnvironment("AGENT_SHARD", "0");
Worker("indexing-worker")
    .WithEnvironment("AGENT_SERVICE", "workflow")
    .WithEnvironment("AGENT_ROLE", "indexing")
    .WithEnvironment("AGENT_SHARD", "0");
Worker("job-worker")
    .WithEnvironment("WORKER_MODE", "db")
    .WithEnvironment("FIGMA_API_TOKEN", figmaToken);

var runtimeAgent = builder.AddProject<Projects.Cogo_RuntimeAgent>("runtime-agent")
    .WithHttpEndpoint(targetPort: publish ? 3100 : null, name: "http", env: "PORT")
    .WithHttpHealthCheck("/health");
deployment.Service(runtimeAgent, "cogo-runtime-agent", readiness: "/health");

// In the Aspire dashboard, on the API: what the command line does, by the command line.
api.WithCogoCommand("replay-dlq", "Replay dead jobs", database, "replay", "dlq", "--dry-run", "false")
    .WithCogoCommand(
        "run-sample", "Run a sample", database, "run", "--repo", Repository("samples/shell"), "--patch", Repository("samples/shell/good.patch"));

builder.Build().Run();

IResourceBuilder<ProjectResource> Worker(string name)
{
    var worker = builder.AddProject<Projects.Cogo_Workers>(name)
        .WithHttpEndpoint(targetPort: publish ? 8080 : null, name: "http", env: "PORT")
        .WithReference(database)
        .WaitForCompletion(migrate)
        .WithHttpHealthCheck("/health")
        .WithReplicas(Replicas(name));
    artifacts.For(worker);
    deployment.Service(worker, $"cogo-{name}", readiness: "/health");
    return worker;
}

// Replicas:codegen-worker=4, and so on.
int Replicas(string name) => builder.Configuration.GetValue($"Replicas:{name}", 1);

string Repository(string path) => Path.GetFullPath(Path.Combine(builder.AppHostDirectory, "..", path));
