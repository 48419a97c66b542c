using System;

namespace OcrSharp
{
    /// <summary>From the samples of a PNG file to blue, green and red, on white where the picture is transparent.</summary>
    internal sealed class PngColours
    {
        private const int Gray = 0, Rgb = 2, Palette = 3, GrayAlpha = 4, RgbAlpha = 6;

        private readonly int type, bits, samples;
        private byte[] palette, opacities = new byte[0];
        private int[] key; // the colour that is transparent; null if none is

        internal PngColours(int type, int bits)
        {
            bool known = type == Gray || type == Rgb || type == Palette || type == GrayAlpha || type == RgbAlpha;
            bool few = bits == 1 || bits == 2 || bits == 4;
            if (!known || !(bits == 8 || (bits == 16 && type != Palette) || (few && (type == Gray || type == Palette))))
                throw new OcrException("the header of the PNG file is damaged");
            this.type = type;
            this.bits = bits;
            samples = type == Rgb ? 3 : type == RgbAlpha ? 4 : type == GrayAlpha ? 2 : 1;
        }

        /// <summary>The bytes that a row of so many pixels takes.</summary>
        internal long RowBytes(int pixels)
        {
            return ((long)pixels * samples * bits + 7) / 8;
        }

        /// <summary>How far the same sample of the last pixel is away.</summary>
        internal int PixelBytes
        {
            get { return Math.Max(1, samples * bits / 8); }
        }

        internal void SetPalette(byte[] colours)
        {
            palette = colours;
        }

        /// <summary>Of a palette the opacity of each colour; else the one colour that is transparent.</summary>
        internal void SetTransparent(byte[] content)
        {
            if (type == Palette) opacities = content;
            if (type != Gray && type != Rgb) return;
            if (content.Length != 2 * samples) throw new OcrException("the PNG file is damaged: its transparent colour");
            key = new int[samples];
            for (int i = 0; i < samples; i++) key[i] = (content[2 * i] << 8 | content[2 * i + 1]) & (bits == 16 ? 0xFFFF : 0xFF);
        }

        /// <summary>Writes a row of pixels.</summary>
        /// <param name="row">The unpacked bytes; the first one is no sample.</param>
        /// <param name="count">How many pixels there are.</param>
        /// <param name="pixels">Where they are written.</param>
        /// <param name="at">The place of the first one.</param>
        /// <param name="step">From there to the next one.</param>
        internal void Write(byte[] row, int count, byte[] pixels, int at, int step)
        {
            int second = samples > 2 ? 1 : 0, third = samples > 2 ? 2 : 0;
            for (int x = 0; x < count; x++, at += step)
            {
                int first = x * samples, red, green, blue, opacity = 255;
                if (type == Palette)
                {
                    int entry = Sample(row, x);
                    if (palette == null || 3 * entry + 3 > palette.Length) throw new OcrException("the PNG file is damaged: no such colour in its palette");
                    red = palette[3 * entry];
                    green = palette[3 * entry + 1];
                    blue = palette[3 * entry + 2];
                    if (entry < opacities.Length) opacity = opacities[entry];
                }
                else
                {
                    red = Level(row, first);
                    green = Level(row, first + second);
                    blue = Level(row, first + third);
                    if (type == GrayAlpha || type == RgbAlpha) opacity = Level(row, first + samples - 1);
                    else if (key != null && IsKey(row, first)) opacity = 0;
                }
                pixels[at] = OnWhite(blue, opacity);
                pixels[at + 1] = OnWhite(green, opacity);
                pixels[at + 2] = OnWhite(red, opacity);
            }
        }

        /// <summary>(c a + 255 (255 - a)) / 255, rounded.</summary>
        private static byte OnWhite(int level, int opacity)
        {
            return (byte)(opacity == 255 ? level : (level * opacity + 255 * (255 - opacity) + 127) / 255);
        }

        private bool IsKey(byte[] row, int first)
        {
            for (int i = 0; i < samples; i++)
                if (Sample(row, first + i) != key[i]) return false;
            return true;
        }

        /// <summary>A sample from 0 to 255: of 16 bits the upper 8; fewer than 8 are stretched.</summary>
        private int Level(byte[] row, int i)
        {
            return bits == 8 ? row[1 + i] : bits == 16 ? row[1 + 2 * i] : Sample(row, i) * 255 / ((1 << bits) - 1);
        }

        private int Sample(byte[] row, int i)
        {
            if (bits == 8) return row[1 + i];
            if (bits == 16) return row[1 + 2 * i] << 8 | row[2 + 2 * i];
            int perByte = 8 / bits, shift = 8 - bits * (i % perByte + 1);
            return row[1 + i / perByte] >> shift & (1 << bits) - 1;
        }
    }
}
