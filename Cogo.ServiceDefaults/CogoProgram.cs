using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;

namespace Cogo.ServiceDefaults;

/// <summary>How a Cogo program starts and how it ends when it cannot.</summary>
public static class CogoProgram
{
    /// <summary>Something that Cogo stands on is missing or taken.</summary>
    public const int Infrastructure = 2;

    /// <summary>A setting is missing or malformed.</summary>
    public const int Invalid = 3;

    /// <summary>
    /// Builds the program and runs it until it is told to stop. What the surroundings are to blame for is a sentence on
    /// standard error and an exit code, not a stack trace.
    /// </summary>
    /// <param name="name">Stands before the sentence.</param>
    /// <param name="defaultPort">See <see cref="ListenAddress"/>.</param>
    /// <param name="add">Adds the services; a <see cref="FormatException"/> out of it says which setting is wrong.</param>
    /// <param name="map">Maps the endpoints.</param>
    /// <returns>0 after a stop, else <see cref="Infrastructure"/> or <see cref="Invalid"/>.</returns>
    public static async Task<int> RunAsync(
        string name, int defaultPort, string[] args, Action<WebApplicationBuilder> add, Action<WebApplication> map)
    {
        ArgumentNullException.ThrowIfNull(add);
        ArgumentNullException.ThrowIfNull(map);
        var builder = WebApplication.CreateBuilder(args);
        // Every statement is a line at Information; any setting of the same name goes before this one.
        ((IConfigurationBuilder)builder.Configuration).Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = [KeyValuePair.Create("Logging:LogLevel:Npgsql", (string?)"Warning")],
        });
        if (!Secrets.TryAdd(builder.Configuration, out var problem) || !ListenAddress.TryApply(builder, defaultPort, out problem))
        {
            return await FailAsync(name, problem, Invalid);
        }

        try
        {
            builder.AddCogoServiceDefaults();
            add(builder);
        }
        catch (FormatException e)
        {
            return await FailAsync(name, e.Message, Invalid);
        }

        await using var app = builder.Build();
        map(app);
        try
        {
            await app.RunAsync();
            return 0;
        }
        catch (FormatException e)
        {
            return await FailAsync(name, e.Message, Invalid);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            return await FailAsync(name, $"{e.Message.TrimEnd('.')}. End the program that listens there, or set PORT to a free port.", Infrastructure);
        }
        catch (IOException e) when (e.InnerException is not AddressInUseException)
        {
            // What a part of the program needs as it starts, such as a folder or a store, said in a sentence of its own.
            return await FailAsync(name, e.Message, Infrastructure);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AccessDenied or SocketError.AddressNotAvailable)
        {
            return await FailAsync(name, $"It may not listen where it should: {e.Message}. Set PORT to a port above 1023, or ASPNETCORE_URLS to an address of this machine.", Infrastructure);
        }
    }

    private static async Task<int> FailAsync(string name, string problem, int code)
    {
        await Console.Error.WriteLineAsync($"{name}: {problem}");
        return code;
    }
}
