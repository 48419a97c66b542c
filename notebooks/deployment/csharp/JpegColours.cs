namespace OcrSharp
{
    /// <summary>From the components of a JPEG file to blue, green and red.</summary>
    /// <remarks>
    /// YCbCr as in ITU-T T.871, with the 16-bit factors of libjpeg (jdcolor.c). Inks become light as in OpenCV:
    /// black times the share of the colour that is left. Adobe writes inks inverted, 255 for none.
    /// </remarks>
    internal static class JpegColours
    {
        internal enum Kind
        {
            Gray, Rgb, YCbCr, Cmyk, Ycck
        }

        private static readonly int[] red = new int[256], greenOfRed = new int[256], greenOfBlue = new int[256], blue = new int[256];

        static JpegColours()
        {
            const int half = 1 << 15;
            for (int i = 0; i < 256; i++)
            {
                int x = i - 128;
                red[i] = 91881 * x + half >> 16; // 1.402
                blue[i] = 116130 * x + half >> 16; // 1.772
                greenOfRed[i] = -46802 * x; // 0.714136
                greenOfBlue[i] = -22554 * x + half; // 0.344136
            }
        }

        internal static void Write(byte[][] rows, Kind kind, byte[] pixels, int at, int width)
        {
            byte[] first = rows[0], second = rows[rows.Length > 1 ? 1 : 0], third = rows[rows.Length > 1 ? 2 : 0];
            for (int x = 0; x < width; x++, at += 3)
            {
                int r = first[x], g = second[x], b = third[x];
                if (kind == Kind.YCbCr || kind == Kind.Ycck)
                {
                    int light = r, cb = g, cr = b;
                    r = Clipped(light + red[cr]);
                    g = Clipped(light + (greenOfBlue[cb] + greenOfRed[cr] >> 16));
                    b = Clipped(light + blue[cb]);
                }
                if (rows.Length == 4)
                {
                    bool opposite = kind == Kind.Ycck; // it holds red, green and blue as if they were the inks' opposites
                    r = Light(opposite ? 255 - r : r, rows[3][x]);
                    g = Light(opposite ? 255 - g : g, rows[3][x]);
                    b = Light(opposite ? 255 - b : b, rows[3][x]);
                }
                pixels[at] = (byte)b;
                pixels[at + 1] = (byte)g;
                pixels[at + 2] = (byte)r;
            }
        }

        private static int Light(int left, int black)
        {
            return black - ((255 - left) * black >> 8);
        }

        private static int Clipped(int value)
        {
            return value < 0 ? 0 : value > 255 ? 255 : value;
        }
    }
}
