using System;

namespace OcrSharp
{
    /// <summary>Changing the size of a picture, bit for bit as OpenCV does with INTER_LINEAR.</summary>
    /// <remarks>
    /// A network answers a little differently when a pixel differs by one, and a text may change with it. So this follows
    /// OpenCV's whole numbers: weights of 11 bits, and rounding in two steps. Exactly half the size is an average of four.
    /// </remarks>
    public static class Resize
    {
        private const int One = 2048;

        /// <summary>The picture in another size.</summary>
        public static Image Linear(Image image, int width, int height)
        {
            Image made = new Image(width, height);
            if (width == image.Width && height == image.Height)
            {
                Array.Copy(image.Pixels, made.Pixels, made.Pixels.Length);
                return made;
            }
            if (2 * width == image.Width && 2 * height == image.Height) return Half(image, made);
            int[] lefts, ups, rights, downs;
            int[] across = Weights(image.Width, width, out lefts, out rights), along = Weights(image.Height, height, out ups, out downs);
            int[] upper = new int[3 * width], lower = new int[3 * width];
            int upperRow = -1, lowerRow = -1;
            for (int y = 0; y < height; y++)
            {
                if (ups[y] == lowerRow) // the lower row of the last step is often the upper row of this one
                {
                    int[] other = upper;
                    upper = lower;
                    lower = other;
                    int row = upperRow;
                    upperRow = lowerRow;
                    lowerRow = row;
                }
                if (ups[y] != upperRow) Row(image, upperRow = ups[y], lefts, rights, across, upper);
                if (downs[y] != lowerRow) Row(image, lowerRow = downs[y], lefts, rights, across, lower);
                int below = along[y], above = One - below, target = 3 * width * y;
                for (int i = 0; i < upper.Length; i++)
                    made.Pixels[target + i] = (byte)((above * (upper[i] >> 4) >> 16) + (below * (lower[i] >> 4) >> 16) + 2 >> 2);
            }
            return made;
        }

        private static void Row(Image image, int y, int[] lefts, int[] rights, int[] weights, int[] row)
        {
            for (int x = 0; x < lefts.Length; x++)
            {
                int a = 3 * (image.Width * y + lefts[x]), b = 3 * (image.Width * y + rights[x]), right = weights[x], left = One - right;
                for (int c = 0; c < 3; c++)
                    row[3 * x + c] = image.Pixels[a + c] * left + image.Pixels[b + c] * right;
            }
        }

        /// <summary>For each new pixel the two old ones it lies between, and the weight of the second.</summary>
        private static int[] Weights(int old, int size, out int[] first, out int[] second)
        {
            double scale = (double)old / size;
            int[] weights = new int[size];
            first = new int[size];
            second = new int[size];
            for (int i = 0; i < size; i++)
            {
                float place = (float)((i + 0.5) * scale - 0.5);
                int low = (int)Math.Floor(place);
                first[i] = Math.Max(0, Math.Min(low, old - 1));
                second[i] = Math.Max(0, Math.Min(low + 1, old - 1));
                weights[i] = (int)Math.Round((place - low) * One, MidpointRounding.ToEven);
            }
            return weights;
        }

        private static Image Half(Image image, Image made)
        {
            int row = 3 * image.Width;
            for (int y = 0; y < made.Height; y++)
                for (int x = 0; x < made.Width; x++)
                    for (int c = 0; c < 3; c++)
                    {
                        int a = 2 * y * row + 6 * x + c;
                        int sum = image.Pixels[a] + image.Pixels[a + 3] + image.Pixels[a + row] + image.Pixels[a + row + 3];
                        made.Pixels[3 * (y * made.Width + x) + c] = (byte)(sum + 2 >> 2);
                    }
            return made;
        }
    }
}
