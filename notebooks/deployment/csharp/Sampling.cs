using System;
using System.Linq;

namespace OcrSharp
{
    /// <summary>Parts of pictures in other sizes, without a pattern where they become smaller.</summary>
    internal static class Sampling
    {
        /// <summary>A part of a picture: every pixel is looked up between four, edges are repeated.</summary>
        /// <param name="left">Where the part begins; it may lie outside.</param>
        /// <param name="stepX">How many old pixels a new one is wide.</param>
        /// <param name="blur">The deviation of a Gaussian, in old pixels, with which the picture is blurred before; 0 for not.</param>
        internal static Image Part(Image image, double left, double top, double stepX, double stepY, int width, int height, double blur = 0)
        {
            double[] across, down;
            int[] columns = Places(left, stepX, width, image.Width, out across), rows = Places(top, stepY, height, image.Height, out down);
            if (blur > 0)
            {
                image = Gaussian(image, blur, columns, rows);
                for (int i = 0; i < columns.Length; i++) columns[i] = i;
                for (int i = 0; i < rows.Length; i++) rows[i] = i;
            }
            Image made = new Image(width, height);
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++)
                {
                    int a = 3 * columns[2 * x], b = 3 * columns[2 * x + 1];
                    for (int c = 0; c < 3; c++)
                    {
                        int up = 3 * rows[2 * y] * image.Width + c, low = 3 * rows[2 * y + 1] * image.Width + c;
                        double value = (image.Pixels[up + a] * (1 - across[x]) + image.Pixels[up + b] * across[x]) * (1 - down[y])
                            + (image.Pixels[low + a] * (1 - across[x]) + image.Pixels[low + b] * across[x]) * down[y];
                        made.Pixels[3 * (y * width + x) + c] = (byte)(value + 0.5);
                    }
                }
            return made;
        }

        /// <summary>For each new pixel the two old ones it lies between, and how far it is from the first: as OpenCV, in 32 steps.</summary>
        private static int[] Places(double start, double step, int count, int size, out double[] shares)
        {
            int[] places = new int[2 * count];
            shares = new double[count];
            for (int i = 0; i < count; i++)
            {
                int place = (int)Math.Round(1024 * start) + (int)Math.Round(1024 * i * step) + 16 >> 5, first = place >> 5;
                places[2 * i] = Inside(first, size);
                places[2 * i + 1] = Inside(first + 1, size);
                shares[i] = (place & 31) / 32.0;
            }
            return places;
        }

        /// <summary>A picture in another size, each pixel the mean of those it covers.</summary>
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

        /// <summary>Some columns and rows of the blurred picture; its edges are mirrored. The others are not computed.</summary>
        private static Image Gaussian(Image image, double sigma, int[] columns, int[] rows)
        {
            // the longer side first, so that less is left for the other one
            if (image.Height > image.Width) return Gaussian(image.Placed(5), sigma, rows, columns).Placed(5);
            double[] weights = Bell(sigma, (int)Math.Round(sigma * 6 + 1) | 1);
            double[] across = Blurred(image.Height, image.Width, columns, weights, (from, i) => image.Pixels[from + i]);
            double[] both = Blurred(columns.Length, image.Height, rows, weights, (from, i) => across[from + i]);
            return new Image(columns.Length, rows.Length, Array.ConvertAll(both, value => (byte)(value + 0.5)));
        }

        /// <summary>Numbers in rows of a width, blurred; the edges are mirrored.</summary>
        internal static double[] Smooth(double[] values, int width, double sigma)
        {
            double[] weights = Bell(sigma, (int)Math.Round(sigma * 8 + 1) | 1);
            return Smoothed(Smoothed(values, width, weights), values.Length / width, weights);
        }

        /// <summary>Numbers in rows, blurred along the rows, which become columns.</summary>
        private static double[] Smoothed(double[] values, int width, double[] weights)
        {
            double[] made = new double[values.Length];
            int height = values.Length / width, reach = weights.Length / 2;
            for (int i = 0; i < values.Length; i++)
                for (int k = 0; k < weights.Length; k++)
                    made[i % width * height + i / width] += weights[k] * values[i / width * width + Mirrored(i % width + k - reach, width)];
            return made;
        }

        /// <summary>The weights of a Gaussian.</summary>
        private static double[] Bell(double sigma, int count)
        {
            double[] weights = new double[count];
            for (int i = 0; i < count; i++) weights[i] = Math.Exp(-0.5 * (i - count / 2) * (i - count / 2) / (sigma * sigma));
            double all = weights.Sum();
            return Array.ConvertAll(weights, weight => weight / all);
        }

        /// <summary>Some pixels of each line, blurred along the line. What they are part of comes out transposed.</summary>
        private static double[] Blurred(int lines, int length, int[] wanted, double[] weights, Func<int, int, double> value)
        {
            double[] line = new double[3 * length], made = new double[3 * lines * wanted.Length];
            int reach = weights.Length / 2;
            for (int y = 0; y < lines; y++)
            {
                for (int i = 0; i < line.Length; i++) line[i] = value(y * line.Length, i);
                for (int x = 0; x < wanted.Length; x++)
                {
                    double blue = 0, green = 0, red = 0;
                    for (int k = 0; k < weights.Length; k++)
                    {
                        int from = 3 * Mirrored(wanted[x] + k - reach, length);
                        blue += weights[k] * line[from];
                        green += weights[k] * line[from + 1];
                        red += weights[k] * line[from + 2];
                    }
                    int target = 3 * (x * lines + y);
                    made[target] = blue;
                    made[target + 1] = green;
                    made[target + 2] = red;
                }
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
