using System.Buffers.Binary;

namespace Cogo.Tests.EndToEnd;

/// <summary>Takes messages of protobuf apart by the numbers of their fields.</summary>
internal static class OtlpFields
{
    /// <summary>The length-delimited fields of one number: messages, texts and bytes.</summary>
    public static List<byte[]> Fields(byte[] message, int number)
    {
        var found = new List<byte[]>();
        Walk(message, (at, wire, value) =>
        {
            if (at == number && wire == 2)
            {
                found.Add(value);
            }
        });
        return found;
    }

    /// <summary>The field of 64 fixed bits of one number; null: it is not there.</summary>
    public static long? Fixed64(byte[] message, int number)
    {
        long? found = null;
        Walk(message, (at, wire, value) =>
        {
            if (at == number && wire == 1)
            {
                found = BinaryPrimitives.ReadInt64LittleEndian(value);
            }
        });
        return found;
    }

    private static void Walk(byte[] message, Action<int, int, byte[]> see)
    {
        var at = 0;
        while (at < message.Length)
        {
            var key = Varint(message, ref at);
            var wire = (int)(key & 7);
            var length = wire switch
            {
                0 => VarintLength(message, at),
                1 => 8,
                5 => 4,
                _ => (int)Varint(message, ref at),
            };
            see((int)(key >> 3), wire, message[at..(at + length)]);
            at += length;
        }
    }

    private static int VarintLength(byte[] message, int at)
    {
        var start = at;
        Varint(message, ref at);
        return at - start;
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = message[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }
}
