using System;
using System.IO;
using System.IO.Compression;

namespace OcrSharp
{
    /// <summary>PNG files (ISO/IEC 15948), all kinds; of an animated one, the still picture.</summary>
    internal sealed class PngReader
    {
        private static readonly byte[] signature = { 0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10 };
        private static readonly uint[] crcTable = MakeCrcTable();

        // the passes of interlaced files: column and row of the first pixel, steps to the next ones
        private static readonly int[][] interlaced =
        {
            new[] { 0, 0, 8, 8 }, new[] { 4, 0, 8, 8 }, new[] { 0, 4, 4, 8 }, new[] { 2, 0, 4, 4 }, new[] { 0, 2, 2, 4 },
            new[] { 1, 0, 2, 2 }, new[] { 0, 1, 1, 2 }
        };
        private static readonly int[][] whole = { new[] { 0, 0, 1, 1 } };

        private readonly MemoryStream packed = new MemoryStream();
        private int width, height, orientation; // 0 until it is told
        private int[][] passes;
        private PngColours colours;

        internal static bool Recognises(byte[] content)
        {
            if (content.Length < signature.Length) return false;
            for (int i = 0; i < signature.Length; i++)
                if (content[i] != signature[i]) return false;
            return true;
        }

        internal static Image Read(byte[] content)
        {
            PngReader reader = new PngReader();
            reader.ReadChunks(content);
            return reader.Unpack().Placed(Math.Max(1, reader.orientation));
        }

        private void ReadChunks(byte[] content)
        {
            string name = "";
            for (long place = signature.Length; name != "IEND";)
            {
                if (place + 12 > content.Length) throw new OcrException("the PNG file ends too early");
                long length = Big(content, place);
                if (place + 12 + length > content.Length) throw new OcrException("the PNG file ends too early");
                name = System.Text.Encoding.ASCII.GetString(content, (int)place + 4, 4);
                foreach (char letter in name)
                    if ((letter | 32) < 'a' || (letter | 32) > 'z') throw new OcrException("the PNG file is damaged: a part has no name");
                if (Crc(content, (int)place + 4, (int)length + 4) != Big(content, place + 8 + length))
                    throw new OcrException("the PNG file is damaged: wrong checksum of its part " + name);
                ReadChunk(name, content, (int)place + 8, (int)length);
                place += 12 + length;
            }
        }

        private void ReadChunk(string name, byte[] content, int start, int length)
        {
            if ((name == "IHDR") == (colours != null)) throw new OcrException("the header of the PNG file is damaged");
            if (name == "IHDR") ReadHeader(content, start, length);
            else if (name == "PLTE") colours.SetPalette(Part(content, start, length));
            else if (name == "tRNS") colours.SetTransparent(Part(content, start, length));
            else if (name == "eXIf" && orientation == 0 && packed.Length == 0) orientation = Exif.Orientation(content, start, start + length);
            else if (name == "IDAT") packed.Write(content, start, length);
            else if (name != "IEND" && (name[0] & 32) == 0) // an upper case letter: not to be left out
                throw new OcrException("the PNG file has a part that is not in the standard: " + name);
        }

        private void ReadHeader(byte[] content, int start, int length)
        {
            if (length != 13 || content[start + 10] != 0 || content[start + 11] != 0 || content[start + 12] > 1)
                throw new OcrException("the header of the PNG file is damaged");
            Image.CheckedSize(Big(content, start), Big(content, start + 4));
            width = (int)Big(content, start);
            height = (int)Big(content, start + 4);
            colours = new PngColours(content[start + 9], content[start + 8]);
            passes = content[start + 12] == 1 ? interlaced : whole;
        }

        private Image Unpack()
        {
            long bytes = 0;
            foreach (int[] pass in passes) bytes += (1 + colours.RowBytes(Across(pass))) * Down(pass);
            const int most = 1032; // no packed byte stands for more
            if (bytes > most * packed.Length) throw new OcrException("the PNG file ends too early");
            packed.Position = 0;
            int head = packed.ReadByte() << 8 | packed.ReadByte(); // of zlib: packed with deflate, no dictionary
            if ((head >> 8 & 15) != 8 || head % 31 != 0 || (head & 32) != 0) throw new OcrException("the PNG file is damaged: its data can't be unpacked");
            Image image = new Image(width, height);
            using (DeflateStream unpacked = new DeflateStream(packed, CompressionMode.Decompress))
                foreach (int[] pass in passes)
                {
                    int count = Across(pass);
                    if (count == 0) continue;
                    byte[] above = new byte[1 + colours.RowBytes(count)], now = new byte[above.Length];
                    for (int y = pass[1]; y < height; y += pass[3])
                    {
                        Fill(unpacked, now);
                        Unfilter(now, above, colours.PixelBytes);
                        colours.Write(now, count, image.Pixels, 3 * (y * width + pass[0]), 3 * pass[2]);
                        byte[] other = above;
                        above = now;
                        now = other;
                    }
                }
            return image;
        }

        /// <summary>How many pixels a row of a pass has.</summary>
        private int Across(int[] pass)
        {
            return (width - pass[0] + pass[2] - 1) / pass[2];
        }

        private int Down(int[] pass)
        {
            return Across(pass) == 0 ? 0 : (height - pass[1] + pass[3] - 1) / pass[3];
        }

        /// <summary>Adds to each byte what was guessed for it; the first byte of a row says how.</summary>
        private static void Unfilter(byte[] now, byte[] above, int step)
        {
            int filter = now[0];
            if (filter > 4) throw new OcrException("the PNG file is damaged: unknown filter " + filter);
            if (filter == 0) return;
            for (int i = 1; i < now.Length; i++)
            {
                int left = i <= step ? 0 : now[i - step], up = above[i], corner = i <= step ? 0 : above[i - step];
                int guess = filter == 1 ? left : filter == 2 ? up : filter == 3 ? (left + up) / 2 : Paeth(left, up, corner);
                now[i] = (byte)(now[i] + guess);
            }
        }

        private static int Paeth(int left, int up, int corner)
        {
            int a = Math.Abs(up - corner), b = Math.Abs(left - corner), c = Math.Abs(left + up - 2 * corner);
            return a <= b && a <= c ? left : b <= c ? up : corner;
        }

        private static void Fill(Stream stream, byte[] buffer)
        {
            for (int done = 0; done < buffer.Length;)
            {
                int count;
                try
                {
                    count = stream.Read(buffer, done, buffer.Length - done);
                }
                catch (Exception error) when (error is InvalidDataException || error is IOException)
                {
                    throw new OcrException("the PNG file is damaged: its data can't be unpacked");
                }
                if (count == 0) throw new OcrException("the PNG file ends too early");
                done += count;
            }
        }

        private static byte[] Part(byte[] content, int start, int length)
        {
            byte[] part = new byte[length];
            Array.Copy(content, start, part, 0, length);
            return part;
        }

        private static long Big(byte[] content, long place)
        {
            return (long)content[place] << 24 | (long)content[place + 1] << 16 | (long)content[place + 2] << 8 | content[place + 3];
        }

        private static uint Crc(byte[] content, int start, int length)
        {
            uint crc = 0xFFFFFFFF;
            for (int i = start; i < start + length; i++) crc = crcTable[(crc ^ content[i]) & 255] ^ crc >> 8;
            return crc ^ 0xFFFFFFFF;
        }

        private static uint[] MakeCrcTable()
        {
            uint[] table = new uint[256];
            for (uint i = 0; i < 256; i++)
            {
                uint value = i;
                for (int k = 0; k < 8; k++) value = (value & 1) != 0 ? 0xEDB88320 ^ value >> 1 : value >> 1;
                table[i] = value;
            }
            return table;
        }
    }
}
