using System;
using System.IO;
using System.IO.Compression;

namespace OcrSharp
{
    /// <summary>PNG files (ISO/IEC 15948), all kinds but interlaced ones. Transparency is ignored, as OpenCV does.</summary>
    internal sealed class PngReader
    {
        private static readonly byte[] signature = { 0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10 };
        private static readonly uint[] crcTable = MakeCrcTable();

        private int width, height, bits, colours;
        private byte[] palette;

        internal static bool Recognises(byte[] content)
        {
            if (content.Length < signature.Length) return false;
            for (int i = 0; i < signature.Length; i++)
                if (content[i] != signature[i]) return false;
            return true;
        }

        internal static Image Read(byte[] content)
        {
            return new PngReader().ReadChunks(content);
        }

        private Image ReadChunks(byte[] content)
        {
            MemoryStream packed = new MemoryStream();
            for (long place = signature.Length; ;)
            {
                if (place + 12 > content.Length) throw new OcrException("the PNG file ends too early");
                long length = Big(content, place);
                if (place + 12 + length > content.Length) throw new OcrException("the PNG file ends too early");
                string name = System.Text.Encoding.ASCII.GetString(content, (int)place + 4, 4);
                if (Crc(content, (int)place + 4, (int)length + 4) != Big(content, place + 8 + length))
                    throw new OcrException("the PNG file is damaged: wrong checksum of its part " + name);
                int start = (int)place + 8;
                if (name == "IHDR") ReadHeader(content, start, length);
                else if (name == "PLTE") { palette = new byte[length]; Array.Copy(content, start, palette, 0, length); }
                else if (name == "IDAT") packed.Write(content, start, (int)length);
                else if (name == "IEND") break;
                place += 12 + length;
            }
            if (width == 0) throw new OcrException("the PNG file has no header");
            return Unpack(packed);
        }

        private void ReadHeader(byte[] content, int start, long length)
        {
            if (length != 13) throw new OcrException("the header of the PNG file is damaged");
            Image.CheckedSize(Big(content, start), Big(content, start + 4));
            width = (int)Big(content, start);
            height = (int)Big(content, start + 4);
            bits = content[start + 8];
            colours = content[start + 9];
            bool known = colours == 0 || colours == 2 || colours == 3 || colours == 4 || colours == 6;
            if (!known || (bits != 8 && bits != 16 && (bits > 4 || bits == 3 || bits == 0 || (colours != 0 && colours != 3))))
                throw new OcrException("the header of the PNG file is damaged");
            if (content[start + 12] != 0) throw new OcrException("interlaced PNG files can't be read: save it without");
        }

        private Image Unpack(MemoryStream packed)
        {
            int channels = colours == 2 ? 3 : colours == 6 ? 4 : colours == 4 ? 2 : 1;
            int row = (width * channels * bits + 7) / 8, step = Math.Max(1, channels * bits / 8);
            byte[] above = new byte[row], now = new byte[row];
            Image image = new Image(width, height);
            packed.Position = Math.Min(2, packed.Length); // the two bytes of the zlib header
            using (DeflateStream unpacked = new DeflateStream(packed, CompressionMode.Decompress))
            {
                for (int y = 0; y < height; y++)
                {
                    int filter = NextByte(unpacked);
                    Fill(unpacked, now);
                    Unfilter(filter, now, above, step);
                    for (int x = 0; x < width; x++) Put(image, now, x, y, channels);
                    byte[] other = above;
                    above = now;
                    now = other;
                }
            }
            return image;
        }

        private static void Unfilter(int filter, byte[] now, byte[] above, int step)
        {
            if (filter > 4) throw new OcrException("the PNG file is damaged: unknown filter " + filter);
            for (int i = 0; i < now.Length; i++)
            {
                int left = i < step ? 0 : now[i - step], up = above[i], corner = i < step ? 0 : above[i - step];
                int guess = filter == 1 ? left : filter == 2 ? up : filter == 3 ? (left + up) / 2 : filter == 4 ? Paeth(left, up, corner) : 0;
                now[i] = (byte)(now[i] + guess);
            }
        }

        private static int Paeth(int left, int up, int corner)
        {
            int a = Math.Abs(up - corner), b = Math.Abs(left - corner), c = Math.Abs(left + up - 2 * corner);
            return a <= b && a <= c ? left : b <= c ? up : corner;
        }

        private void Put(Image image, byte[] row, int x, int y, int channels)
        {
            int target = 3 * (y * width + x), deep = bits == 16 ? 2 : 1;
            if (colours == 3)
            {
                int entry = 3 * Sample(row, x);
                if (palette == null || entry + 3 > palette.Length) throw new OcrException("the PNG file is damaged: no such colour in its palette");
                for (int c = 0; c < 3; c++) image.Pixels[target + 2 - c] = palette[entry + c];
                return;
            }
            for (int c = 0; c < 3; c++)
            {
                int channel = channels > 2 ? c : 0;
                // of 16 bits the upper 8; fewer than 8 are stretched to 0..255
                int value = bits >= 8 ? row[(x * channels + channel) * deep] : Sample(row, x) * 255 / ((1 << bits) - 1);
                image.Pixels[target + 2 - c] = (byte)value;
            }
        }

        private int Sample(byte[] row, int x)
        {
            if (bits == 8) return row[x];
            int perByte = 8 / bits, shift = 8 - bits * (x % perByte + 1);
            return row[x / perByte] >> shift & (1 << bits) - 1;
        }

        private static int NextByte(Stream stream)
        {
            byte[] one = new byte[1];
            Fill(stream, one);
            return one[0];
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
