using System.Diagnostics;
using System.Runtime.Versioning;
using Cogo.Core.Database.Embedded;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Database;

[UnsupportedOSPlatform("windows")]
public sealed class EmbeddedPostgresTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task It_starts_on_an_empty_folder_and_keeps_what_was_committed(int major)
    {
        var clock = Stopwatch.StartNew();
        await using (var cold = await StartAsync(major))
        {
            output.WriteLine($"Postgres {major}: ready after {clock.ElapsedMilliseconds} ms on an empty folder");
            Assert.Equal(major, cold.Installation.Major);
            await ExecuteAsync(cold, "create table kept (word text); insert into kept values ('still here')");
        }

        clock.Restart();
        await using var warm = await StartAsync(major);
        output.WriteLine($"Postgres {major}: ready after {clock.ElapsedMilliseconds} ms on kept data");
        Assert.Equal("still here", await ScalarAsync(warm, "select word from kept"));
    }

    [Fact]
    public async Task Fresh_begins_anew()
    {
        await using (var first = await StartAsync())
        {
            await ExecuteAsync(first, "create table kept ()");
        }

        await using var second = await StartAsync(options => options with { Fresh = true });

        Assert.Equal("", await ScalarAsync(second, "select coalesce(to_regclass('kept')::text, '')"));
        Assert.DoesNotContain(Directory.EnumerateDirectories(second.Directory), path => !path.EndsWith("/data", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task It_is_durable_and_listens_to_this_machine_only(int major)
    {
        var server = await PostgresServers.ServerAsync(major);

        Assert.Equal("127.0.0.1", await ScalarAsync(server, "show listen_addresses"));
        // Nobody but the server's user, and root, reaches the socket.
        var data = Path.Combine(server.Directory, "data");
        Assert.Equal($"\"{data}\"", await ScalarAsync(server, "show unix_socket_directories"));
        Assert.Equal(data, new NpgsqlConnectionStringBuilder(server.ConnectionString).Host);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(data));
        Assert.Equal("on", await ScalarAsync(server, "show fsync"));
        Assert.Equal("on", await ScalarAsync(server, "show synchronous_commit"));
        Assert.Equal("on", await ScalarAsync(server, "show data_checksums"));
        Assert.Equal("UTF8", await ScalarAsync(server, "show server_encoding"));
        Assert.Equal("200", await ScalarAsync(server, "show max_connections"));
        Assert.Equal("scram-sha-256", await ScalarAsync(server, "select string_agg(distinct auth_method, ',') from pg_hba_file_rules"));
    }

    [Fact]
    public async Task The_password_is_private_to_the_server()
    {
        await using var server = await StartAsync();
        var file = Path.Combine(server.Directory, "data", "cogo.password");

        var password = (await File.ReadAllTextAsync(file)).Trim();
        Assert.Equal(new NpgsqlConnectionStringBuilder(server.ConnectionString).Password, password);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.DoesNotContain(password, await File.ReadAllTextAsync(Path.Combine(server.Directory, "server.log")), StringComparison.Ordinal);
        var wrong = new NpgsqlConnectionStringBuilder(server.ConnectionString) { Password = "wrong", Pooling = false };
        await using var connection = new NpgsqlConnection(wrong.ConnectionString);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => connection.OpenAsync());
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
    }

    [Fact]
    public async Task A_second_one_on_the_same_data_is_told_who_and_where()
    {
        await using var first = await StartAsync();

        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync());

        Assert.Contains($"process {Environment.ProcessId}", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"port {first.Port}", refused.Message, StringComparison.Ordinal);
        Assert.Contains(first.Directory, refused.Message, StringComparison.Ordinal);
        Assert.Equal("1", await ScalarAsync(first, "select '1'"));
    }

    [Fact]
    public async Task A_server_that_ends_by_itself_is_noticed_and_recovers_at_the_next_start()
    {
        await using (var first = await StartAsync())
        {
            await ExecuteAsync(first, "create table kept (word text); insert into kept values ('committed')");
            using var postmaster = Process.GetProcessById(PostmasterPid(first.Directory));
            postmaster.Kill();

            await first.Exited.WaitAsync(TimeSpan.FromSeconds(30));
        }

        await using var second = await StartAsync();
        Assert.Equal("committed", await ScalarAsync(second, "select word from kept"));
    }

    [Theory]
    [InlineData("a process that has the number now")]
    [InlineData("")]
    public async Task A_stale_pid_file_is_no_obstacle(string kind)
    {
        string data;
        await using (var first = await StartAsync())
        {
            data = Path.Combine(first.Directory, "data");
        }

        var content = kind.Length == 0 ? "" : $"{Environment.ProcessId}\n{data}\n{DateTimeOffset.UtcNow.ToUnixTimeSeconds()}\n5432\n\n127.0.0.1\n\nready\n";
        await File.WriteAllTextAsync(Path.Combine(data, "postmaster.pid"), content);

        await using var second = await StartAsync();
        Assert.Equal("1", await ScalarAsync(second, "select '1'"));
    }

    [Fact]
    public async Task A_beginning_that_was_interrupted_is_cleared_away()
    {
        var half = _folder.In("postgres", "18", "init-0123", "data");
        Directory.CreateDirectory(half);
        await File.WriteAllTextAsync(Path.Combine(half, "PG_VERSION"), "18\n");

        await using var server = await StartAsync();

        Assert.False(Directory.Exists(half));
        Assert.Equal("1", await ScalarAsync(server, "select '1'"));
    }

    [Theory]
    [InlineData("lost", "cogo.password' back")]
    [InlineData("wrong", "does not accept the password")]
    public async Task A_password_that_is_lost_or_wrong_is_explained(string kind, string expected)
    {
        string file;
        await using (var first = await StartAsync())
        {
            file = Path.Combine(first.Directory, "data", "cogo.password");
        }

        if (kind == "lost")
        {
            File.Delete(file);
        }
        else
        {
            await File.WriteAllTextAsync(file, "another\n");
        }

        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync());
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.Contains("--fresh", refused.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(Path.GetDirectoryName(file)!, "postmaster.pid")));
    }

    [Fact]
    public async Task Data_of_another_version_is_refused_and_left_alone()
    {
        await using (await StartAsync(15))
        {
        }

        Directory.Move(_folder.In("postgres", "15"), _folder.In("postgres", "18"));

        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync(18));
        Assert.Contains("COGO_POSTGRES=15", refused.Message, StringComparison.Ordinal);
        Assert.Equal("15", (await File.ReadAllTextAsync(_folder.In("postgres", "18", "data", "PG_VERSION"))).Trim());
    }

    [Fact]
    public async Task Damaged_data_is_refused_in_the_servers_own_words()
    {
        string directory;
        await using (var first = await StartAsync())
        {
            directory = first.Directory;
        }

        File.Delete(Path.Combine(directory, "data", "global", "pg_control"));

        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync());
        Assert.Contains("pg_control", refused.Message, StringComparison.Ordinal);
        Assert.Contains(directory, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_is_named()
    {
        await File.WriteAllTextAsync(_folder.In("postgres"), "a file, not a folder");

        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync());

        Assert.Contains(_folder.In("postgres"), refused.Message, StringComparison.Ordinal);
        Assert.Contains("COGO_POSTGRES_DIR", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Below_a_private_folder_the_data_goes_where_the_servers_user_can_reach_it()
    {
        var closed = Directory.CreateDirectory(_folder.In("private"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;
        await using var server = await StartAsync(options => options with { DataDirectory = Path.Combine(closed, "postgres") });
        try
        {
            Assert.Equal("1", await ScalarAsync(server, "select '1'"));

            // Only root runs the server as another user.
            Assert.StartsWith(Environment.IsPrivilegedProcess ? "/var/lib/cogo/" : closed, server.Directory, StringComparison.Ordinal);
        }
        finally
        {
            await server.DisposeAsync();
            Directory.Delete(Path.GetDirectoryName(server.Directory)!, recursive: true);
        }
    }

    [Theory]
    [InlineData("it's a $HOME of 데이터", true)]
    [InlineData("it's \"a\" $HOME", false)]
    [InlineData("one, two: three", false)]
    [InlineData("a-name-so-long-that-a-socket-in-it-would-have-more-characters-than-the-kernel-takes-in-the-name-of-one", false)]
    public async Task A_folder_with_an_unusual_name_works(string name, bool hasSocket)
    {
        await using var server = await StartAsync(options => options with { DataDirectory = _folder.In(name) });

        Assert.Equal("1", await ScalarAsync(server, "select '1'"));
        Assert.Equal(hasSocket ? Path.Combine(server.Directory, "data") : "127.0.0.1", new NpgsqlConnectionStringBuilder(server.ConnectionString).Host);
        await using var tcp = NpgsqlDataSource.Create(server.TcpConnectionString);
        await using var ask = tcp.CreateCommand("select inet_server_port()");
        Assert.Equal(server.Port, await ask.ExecuteScalarAsync());
    }

    private static int PostmasterPid(string directory) =>
        int.Parse(File.ReadLines(Path.Combine(directory, "data", "postmaster.pid")).First());

    private Task<EmbeddedPostgres> StartAsync(int major) =>
        PostgresServers.OrSkipAsync(major, () => StartAsync(options => options with { Version = major.ToString() }));

    private Task<EmbeddedPostgres> StartAsync(Func<EmbeddedPostgresOptions, EmbeddedPostgresOptions>? change = null)
    {
        var options = EmbeddedPostgresOptions.FromEnvironment() with { Version = "18", Port = null, DataDirectory = _folder.In("postgres") };
        return EmbeddedPostgres.StartAsync(change is null ? options : change(options), NullLogger.Instance, CancellationToken.None);
    }

    private static async Task ExecuteAsync(EmbeddedPostgres server, string sql)
    {
        await using var dataSource = NpgsqlDataSource.Create(server.ConnectionString);
        await using var command = dataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<string?> ScalarAsync(EmbeddedPostgres server, string sql)
    {
        await using var dataSource = NpgsqlDataSource.Create(server.ConnectionString);
        await using var command = dataSource.CreateCommand(sql);
        return await command.ExecuteScalarAsync() as string;
    }
}
