using System;

namespace OcrSharp
{
    /// <summary>Parts of pictures in other sizes, without a pattern where they become smaller.</summary>
    internal static class Sampling
    {
        /// <summary>A part of a picture: every pixel is looked up between four, edges are repeated.</summary>
        /// <param name="left">Where the part begins; it may lie outside.</param>
        /// <param name="stepX">How many old pixels a new one is wide.</param>
        internal static Image Part(Image image, double left, double top, double stepX, double stepY, int width, int height)
        {
            Image made = new Image(width, height);
            for (int y = 0; y < height; y++)
            {
                double row = top + y * stepY;
                int y0 = (int)Math.Floor(row), upper = Inside(y0, image.Height), lower = Inside(y0 + 1, image.Height);
                double down = row - y0;
                for (int x = 0; x < width; x++)
                {
                    double column = left + x * stepX;
                    int x0 = (int)Math.Floor(column), a = 3 * Inside(x0, image.Width), b = 3 * Inside(x0 + 1, image.Width);
                    double across = column - x0;
                    for (int c = 0; c < 3; c++)
                    {
                        int up = 3 * upper * image.Width + c, low = 3 * lower * image.Width + c;
                        double value = (image.Pixels[up + a] * (1 - across) + image.Pixels[up + b] * across) * (1 - down)
                            + (image.Pixels[low + a] * (1 - across) + image.Pixels[low + b] * across) * down;
                        made.Pixels[3 * (y * width + x) + c] = (byte)(value + 0.5);
                    }
                }
            }
            return made;
        }

        /// <summary>A smaller picture, each pixel the mean of those it covers.</summary>
        internal static Image Area(Image image, int width, int height)
        {
            Image made = new Image(width, height);
            double wide = (double)image.Width / width, tall = (double)image.Height / height;
            double[] sum = new double[3];
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++)
                {
                    Array.Clear(sum, 0, 3);
                    for (int v = (int)(y * tall); v < Math.Min(image.Height, Math.Ceiling((y + 1) * tall)); v++)
                        for (int u = (int)(x * wide); u < Math.Min(image.Width, Math.Ceiling((x + 1) * wide)); u++)
                        {
                            double share = Overlap(v, y * tall, tall) * Overlap(u, x * wide, wide);
                            for (int c = 0; c < 3; c++) sum[c] += share * image.Pixels[3 * (v * image.Width + u) + c];
                        }
                    for (int c = 0; c < 3; c++) made.Pixels[3 * (y * width + x) + c] = (byte)(sum[c] / (wide * tall) + 0.5);
                }
            return made;
        }

        /// <summary>A blurred picture; the edges are mirrored.</summary>
        internal static Image Gaussian(Image image, double sigma)
        {
            int reach = ((int)Math.Round(sigma * 6 + 1) | 1) / 2;
            double[] weights = new double[2 * reach + 1];
            double all = 0;
            for (int i = 0; i < weights.Length; i++) all += weights[i] = Math.Exp(-0.5 * (i - reach) * (i - reach) / (sigma * sigma));
            for (int i = 0; i < weights.Length; i++) weights[i] /= all;
            double[] across = new double[image.Pixels.Length];
            Image made = new Image(image.Width, image.Height);
            for (int i = 0; i < across.Length; i++)
            {
                int c = i % 3, x = i / 3 % image.Width, row = i / 3 / image.Width * image.Width;
                for (int k = -reach; k <= reach; k++) across[i] += weights[k + reach] * image.Pixels[3 * (row + Mirrored(x + k, image.Width)) + c];
            }
            for (int i = 0; i < across.Length; i++)
            {
                int y = i / 3 / image.Width, rest = i - 3 * y * image.Width;
                double sum = 0;
                for (int k = -reach; k <= reach; k++) sum += weights[k + reach] * across[3 * Mirrored(y + k, image.Height) * image.Width + rest];
                made.Pixels[i] = (byte)(sum + 0.5);
            }
            return made;
        }

        private static double Overlap(int pixel, double start, double length)
        {
            return Math.Max(0, Math.Min(pixel + 1, start + length) - Math.Max(pixel, start));
        }

        private static int Inside(int place, int size)
        {
            return Math.Max(0, Math.Min(size - 1, place));
        }

        private static int Mirrored(int place, int size)
        {
            if (size == 1) return 0;
            int period = 2 * size - 2;
            place = (place % period + period) % period;
            return place < size ? place : period - place;
        }
    }
}
