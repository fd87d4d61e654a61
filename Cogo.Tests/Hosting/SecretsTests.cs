using Cogo.ServiceDefaults;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Configuration;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Hosting;

public sealed class SecretsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_is_a_setting_and_goes_before_the_variable()
    {
        File.WriteAllText(_folder.In("OPENAI_API_KEY"), "from-the-file\n");
        var configuration = Of(("OPENAI_API_KEY", "from-the-variable"), (Secrets.FolderSetting, _folder.Path));

        Assert.True(Secrets.TryAdd(configuration, out _));

        Assert.Equal("from-the-file", configuration["OPENAI_API_KEY"]);
    }

    [Fact]
    public void Links_into_a_hidden_folder_as_Kubernetes_lays_them_are_read()
    {
        Directory.CreateDirectory(_folder.In("..2026_01_05"));
        File.WriteAllText(_folder.In("..2026_01_05", "FIGMA_API_TOKEN"), "figma");
        File.CreateSymbolicLink(_folder.In("..data"), "..2026_01_05");
        File.CreateSymbolicLink(_folder.In("FIGMA_API_TOKEN"), "..data/FIGMA_API_TOKEN");
        var configuration = Of((Secrets.FolderSetting, _folder.Path));

        Assert.True(Secrets.TryAdd(configuration, out _));

        Assert.Equal("figma", configuration["FIGMA_API_TOKEN"]);
    }

    [Fact]
    public void The_databases_password_goes_into_the_connection_strings_that_have_none()
    {
        File.WriteAllText(_folder.In(Secrets.DatabasePasswordSetting), "p;w=\"d\n");
        var configuration = Of(
            (Secrets.FolderSetting, _folder.Path),
            ("ConnectionStrings:cogo", "Host=db;Username=cogo"),
            ("ConnectionStrings:cogo_listen", "Host=db;Username=cogo;Password=own"));

        Assert.True(Secrets.TryAdd(configuration, out _));

        Assert.Equal("p;w=\"d", new NpgsqlConnectionStringBuilder(configuration.GetConnectionString("cogo")).Password);
        Assert.Equal("own", new NpgsqlConnectionStringBuilder(configuration.GetConnectionString("cogo_listen")).Password);
    }

    [Fact]
    public void A_folder_that_is_not_there_holds_no_secrets() =>
        Assert.True(Secrets.TryAdd(Of((Secrets.FolderSetting, _folder.In("none"))), out _));

    private static ConfigurationManager Of(params (string Name, string Value)[] pairs)
    {
        var configuration = new ConfigurationManager();
        configuration.AddInMemoryCollection(pairs.ToDictionary(pair => pair.Name, pair => (string?)pair.Value));
        return configuration;
    }
}
