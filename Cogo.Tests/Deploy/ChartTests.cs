using System.Text.Json;
using System.Text.RegularExpressions;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Deploy;

/// <summary>deploy/helm/cogo, rendered with Helm's template engine.</summary>
public partial class ChartTests
{
    private static readonly string[] External = ["database.host=db.example.com", "database.passwordSecret.name=cogo-database"];

    private static readonly string[] Everything =
    [
        "database.cloudNativePg.enabled=true", "database.cloudNativePg.storageClass=fast", "pgbouncer.enabled=true", "pgbouncer.image=example/pgbouncer:1.24",
        "pgbouncer.userlistSecret=pgbouncer-users", "api.ingress.enabled=true", "api.ingress.host=cogo.example.com", "api.ingress.tlsSecret=cogo-tls",
        "runtimeAgent.enabled=true", "scaling=cpu", "artifacts.storageClass=shared", "otlpEndpoint=http://collector:4317",
        "secrets=[{name: cogo-openai, key: api-key, variable: OPENAI_API_KEY}]", "image.registry=registry.example.com/cogo/", "image.tag=dev-20260105083730",
        "api.allowFrom=[{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress}}}]", "image.pullSecrets=[{name: registry}]",
    ];

    private static readonly string[] Bucket =
    [
        .. External, "artifacts.s3.bucket=cogo-artifacts", "artifacts.s3.endpoint=https://minio.example.com:9000", "artifacts.s3.prefix=cogo/live", "artifacts.s3.pathStyle=true",
        "artifacts.s3.secret.name=cogo-s3", "serviceAccountName=cogo",
    ];

    public static TheoryData<string> Variants => ["external", "everything", "fixed", "bucket"];

    private static string[] ValuesOf(string variant) => variant switch
    {
        "external" => External,
        "everything" => Everything,
        "bucket" => Bucket,
        _ => [.. External, "scaling=none", "artifacts.existingClaim=shared"],
    };

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Manifests_are_what_the_Kubernetes_API_takes(string variant)
    {
        var manifests = await ManifestsAsync(ValuesOf(variant));

        Assert.Equal("", await ManifestTools.TypeErrorsAsync(manifests));
        var names = manifests.Select(manifest => (manifest.GetProperty("kind").GetString(), manifest.GetProperty("metadata").GetProperty("name").GetString())).ToList();
        Assert.Equal(names.Distinct(), names);
        Assert.All(names, name => Assert.Matches("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", name.Item2));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Kubectl_reads_them(string variant)
    {
        Assert.SkipUnless(Shell.Has("kubectl"), "kubectl not found: nothing but the types was checked.");
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.In("all.yaml"), string.Join("\n---\n", (await ManifestsAsync(ValuesOf(variant))).Select(manifest => manifest.GetRawText())));
        await File.WriteAllTextAsync(folder.In("kustomization.yaml"), "resources: [all.yaml]\nnamespace: cogo\n");

        var built = await Shell.RunAsync("kubectl", ["kustomize", folder.Path]);

        Assert.Contains("kind: Deployment", built, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Every_container_is_confined(string variant)
    {
        foreach (var (pod, container, where) in Containers(await ManifestsAsync(ValuesOf(variant))))
        {
            var security = container.GetProperty("securityContext");
            Assert.True(security.GetProperty("readOnlyRootFilesystem").GetBoolean(), where);
            Assert.False(security.GetProperty("allowPrivilegeEscalation").GetBoolean(), where);
            Assert.Equal("ALL", security.GetProperty("capabilities").GetProperty("drop")[0].GetString());
            Assert.True(pod.GetProperty("securityContext").GetProperty("runAsNonRoot").GetBoolean(), where);
            Assert.NotEqual(0, pod.GetProperty("securityContext").GetProperty("runAsUser").GetInt32());
            Assert.False(pod.GetProperty("automountServiceAccountToken").GetBoolean(), where);
            Assert.True(container.GetProperty("resources").GetProperty("limits").TryGetProperty("memory", out _), where);
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Every_probe_asks_an_endpoint_that_exists_on_a_port_that_is_open(string variant)
    {
        var mapped = Repository.SourceFiles().Where(file => !file.Contains("Tests", StringComparison.Ordinal))
            .SelectMany(file => MappedPath().Matches(File.ReadAllText(file)).Select(match => match.Groups["path"].Value)).ToHashSet();
        foreach (var (_, container, where) in Containers(await ManifestsAsync(ValuesOf(variant))))
        {
            var ports = Items(container, "ports").ToDictionary(port => port.GetProperty("name").GetString()!, port => port.GetProperty("containerPort").GetInt32());
            foreach (var probe in container.EnumerateObject().Where(property => property.Name.EndsWith("Probe", StringComparison.Ordinal)))
            {
                if (probe.Value.TryGetProperty("httpGet", out var get))
                {
                    Assert.Contains(get.GetProperty("path").GetString()!, mapped);
                    Assert.True(ports.ContainsKey(get.GetProperty("port").GetString()!), where);
                }
            }

            if (Variable(container, "PORT") is { } listening)
            {
                Assert.Contains(int.Parse(listening, System.Globalization.CultureInfo.InvariantCulture), ports.Values);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Secrets_are_referred_to_and_never_written(string variant)
    {
        var manifests = await ManifestsAsync(ValuesOf(variant));
        Assert.DoesNotContain(manifests, manifest => manifest.GetProperty("kind").GetString() == "Secret");
        foreach (var (pod, container, where) in Containers(manifests))
        {
            foreach (var variable in Items(container, "env").Where(variable => variable.TryGetProperty("value", out _)))
            {
                Assert.DoesNotMatch("(?i)password=|_KEY$|_TOKEN$", $"{variable.GetProperty("name").GetString()}={variable.GetProperty("value").GetString()}");
            }

            var mounted = Items(container, "volumeMounts").Select(mount => mount.GetProperty("name").GetString());
            Assert.Empty(mounted.Except(Items(pod, "volumes").Select(volume => volume.GetProperty("name").GetString())));
            if (Variable(container, "ConnectionStrings__cogo") is not null)
            {
                var files = Items(pod, "volumes").Single(volume => volume.GetProperty("name").GetString() == "secrets").GetProperty("projected").GetProperty("sources")
                    .EnumerateArray().SelectMany(source => source.GetProperty("secret").GetProperty("items").EnumerateArray()).Select(item => item.GetProperty("path").GetString());
                Assert.Contains("COGO_DATABASE_PASSWORD", files);
                Assert.True(Items(container, "volumeMounts").Any(mount => mount.GetProperty("mountPath").GetString() == "/run/secrets"), where);
            }
        }
    }

    [Fact]
    public async Task Keda_asks_questions_that_the_database_answers()
    {
        var scaled = (await ManifestsAsync(External)).Where(manifest => manifest.GetProperty("kind").GetString() == "ScaledObject").ToList();
        await using var database = await PostgresServers.CreateDatabaseAsync();

        Assert.Equal(6, scaled.Count);
        foreach (var trigger in scaled.Select(one => one.GetProperty("spec").GetProperty("triggers")[0]))
        {
            var metadata = trigger.GetProperty("metadata");
            Assert.All(metadata.EnumerateObject(), entry => Assert.Equal(JsonValueKind.String, entry.Value.ValueKind));
            Assert.Equal(0, await database.ScalarAsync<long>(metadata.GetProperty("query").GetString()!));
        }
    }

    [Fact]
    public async Task With_a_bucket_no_folder_is_shared()
    {
        var manifests = await ManifestsAsync(Bucket);

        Assert.DoesNotContain(manifests, manifest => manifest.GetProperty("kind").GetString() == "PersistentVolumeClaim");
        foreach (var (pod, container, where) in Containers(manifests).Where(one => one.Where.StartsWith("cogo-api/", StringComparison.Ordinal) || one.Where.Contains("-worker/", StringComparison.Ordinal)))
        {
            Assert.DoesNotContain(Items(pod, "volumes"), volume => volume.TryGetProperty("persistentVolumeClaim", out _));
            Assert.DoesNotContain(Items(container, "volumeMounts"), mount => mount.GetProperty("name").GetString() == "artifacts");
            Assert.Equal("cogo-artifacts", Variable(container, "ARTIFACTS_S3_BUCKET"));
            Assert.Equal("true", Variable(container, "ARTIFACTS_S3_PATH_STYLE"));
            var keys = Items(pod, "volumes").Single(volume => volume.GetProperty("name").GetString() == "secrets").GetProperty("projected").GetProperty("sources").EnumerateArray()
                .Select(source => source.GetProperty("secret")).Single(secret => secret.GetProperty("name").GetString() == "cogo-s3").GetProperty("items").EnumerateArray()
                .ToDictionary(item => item.GetProperty("path").GetString()!, item => item.GetProperty("key").GetString());
            Assert.Equal(("access-key-id", "secret-access-key"), (keys["ARTIFACTS_S3_ACCESS_KEY_ID"], keys["ARTIFACTS_S3_SECRET_ACCESS_KEY"]));
            Assert.True(container.GetProperty("securityContext").GetProperty("readOnlyRootFilesystem").GetBoolean(), where);
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Every_service_and_probe_leads_to_a_port_that_its_pods_open(string variant)
    {
        var manifests = await ManifestsAsync(ValuesOf(variant));
        var pods = manifests.Where(manifest => manifest.GetProperty("kind").GetString() == "Deployment").Select(manifest => manifest.GetProperty("spec").GetProperty("template")).ToList();
        foreach (var pod in pods)
        {
            var container = pod.GetProperty("spec").GetProperty("containers")[0];
            Assert.True(container.TryGetProperty("readinessProbe", out _), container.GetProperty("name").GetString());
            Assert.All(Items(container, "ports"), port => Assert.Equal(JsonValueKind.Number, port.GetProperty("containerPort").ValueKind));
        }

        foreach (var service in manifests.Where(manifest => manifest.GetProperty("kind").GetString() == "Service").Select(manifest => manifest.GetProperty("spec")))
        {
            var wanted = service.GetProperty("selector").EnumerateObject().Select(label => (label.Name, label.Value.GetString())).ToList();
            var chosen = pods.Where(pod => wanted.All(label => pod.GetProperty("metadata").GetProperty("labels").TryGetProperty(label.Name, out var value) && value.GetString() == label.Item2)).ToList();
            Assert.NotEmpty(chosen);
            var open = Items(chosen[0].GetProperty("spec").GetProperty("containers")[0], "ports").Select(port => port.GetProperty("name").GetString());
            Assert.All(Items(service, "ports"), port => Assert.Contains(port.GetProperty("targetPort").GetString(), open));
        }
    }

    [Fact]
    public async Task Nothing_may_call_a_worker()
    {
        var manifests = await ManifestsAsync(External);
        var policy = manifests.Single(manifest => Name(manifest) == "cogo-workers" && manifest.GetProperty("kind").GetString() == "NetworkPolicy").GetProperty("spec");

        Assert.Empty(policy.GetProperty("ingress").EnumerateArray());
        Assert.Equal("Ingress", policy.GetProperty("policyTypes")[0].GetString());
        var open = policy.GetProperty("podSelector").GetProperty("matchExpressions")[0].GetProperty("values").EnumerateArray().Select(value => value.GetString());
        Assert.Equal(["api", "runtime-agent", "pgbouncer"], open);
    }

    [Theory]
    [InlineData("database.host is empty", "database.passwordSecret.name=x")]
    [InlineData("database.passwordSecret.name is empty", "database.host=db")]
    [InlineData("use dev-YYYYMMDDHHmmss, vX.Y.Z or vX.Y.Z-COMMIT", "database.host=db", "database.passwordSecret.name=x", "image.tag=latest")]
    [InlineData("use keda (by queue depth), cpu or none", "database.host=db", "database.passwordSecret.name=x", "scaling=magic")]
    [InlineData("pgbouncer.userlistSecret is empty", "database.host=db", "database.passwordSecret.name=x", "pgbouncer.enabled=true", "pgbouncer.image=p:1")]
    [InlineData("artifacts.s3.region is empty", "database.host=db", "database.passwordSecret.name=x", "artifacts.s3.bucket=b")]
    [InlineData("artifacts.s3.bucket is empty", "database.host=db", "database.passwordSecret.name=x", "artifacts.s3.endpoint=http://s3:9000")]
    public async Task A_value_that_is_missing_or_wrong_is_named(string sentence, params string[] values)
    {
        var (_, refusal) = await ManifestTools.RenderAsync(values);

        Assert.Contains(sentence, refusal, StringComparison.Ordinal);
    }

    private static async Task<List<JsonElement>> ManifestsAsync(string[] values)
    {
        var (manifests, refusal) = await ManifestTools.RenderAsync(values);
        Assert.Equal("", refusal);
        return manifests;
    }

    private static string Name(JsonElement manifest) => manifest.GetProperty("metadata").GetProperty("name").GetString()!;

    private static IEnumerable<(JsonElement Pod, JsonElement Container, string Where)> Containers(IEnumerable<JsonElement> manifests) =>
        from manifest in manifests
        where manifest.GetProperty("kind").GetString() is "Deployment" or "Job"
        let pod = manifest.GetProperty("spec").GetProperty("template").GetProperty("spec")
        from container in Items(pod, "containers").Concat(Items(pod, "initContainers"))
        select (pod, container, $"{Name(manifest)}/{container.GetProperty("name").GetString()}");

    private static IEnumerable<JsonElement> Items(JsonElement element, string name) => element.TryGetProperty(name, out var items) ? items.EnumerateArray() : [];

    private static string? Variable(JsonElement container, string name) => Items(container, "env")
        .Where(variable => variable.GetProperty("name").GetString() == name && variable.TryGetProperty("value", out _))
        .Select(variable => variable.GetProperty("value").GetString()).SingleOrDefault();

    [GeneratedRegex("""Map(Get|HealthChecks)\("(?<path>/[^"{]*)"|\.MapGet\("(?<path>/[^"{]*)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex MappedPath();
}
