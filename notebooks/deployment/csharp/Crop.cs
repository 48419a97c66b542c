using System;

namespace OcrSharp
{
    /// <summary>Cutting a box out of a picture and straightening it, bit for bit as OpenCV's warpPerspective does.</summary>
    public static class Crop
    {
        private const int Parts = 32; // OpenCV knows places to a thirty-second of a pixel
        private const int One = 1 << 15; // and weights of 15 bits
        private static readonly int[][] weights = MakeWeights();

        /// <summary>One line, upright. What is 1.5 times as tall as wide is taken for vertical text and turned.</summary>
        public static Image Line(Image image, PointF[] box)
        {
            float shorter;
            PointF[] corners = Rectangle.Smallest(box, out shorter);
            int width = (int)Math.Max((float)corners[0].DistanceTo(corners[1]), (float)corners[2].DistanceTo(corners[3]));
            int height = (int)Math.Max((float)corners[0].DistanceTo(corners[3]), (float)corners[1].DistanceTo(corners[2]));
            Image line = Straighten(image, corners, Math.Max(1, width), Math.Max(1, height));
            return line.Height >= 1.5 * line.Width ? line.Placed(8) : line;
        }

        /// <summary>What lies between four corners, clockwise from the top left, in a size; cubic, edges are repeated.</summary>
        public static Image Straighten(Image image, PointF[] corners, int width, int height)
        {
            PointF[] target = { new PointF(0, 0), new PointF(width, 0), new PointF(width, height), new PointF(0, height) };
            double[] matrix = Homography.Inverse(Homography.Between(corners, target));
            Image made = new Image(width, height);
            int[] columns = new int[4], rows = new int[4];
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++)
                {
                    double scale = matrix[6] * x + matrix[7] * y + matrix[8];
                    scale = scale != 0 ? Parts / scale : 0;
                    int placeX = Rounded((matrix[0] * x + matrix[1] * y + matrix[2]) * scale);
                    int placeY = Rounded((matrix[3] * x + matrix[4] * y + matrix[5]) * scale);
                    for (int k = 0; k < 4; k++)
                    {
                        columns[k] = 3 * Math.Max(0, Math.Min(image.Width - 1, (placeX >> 5) - 1 + k));
                        rows[k] = 3 * image.Width * Math.Max(0, Math.Min(image.Height - 1, (placeY >> 5) - 1 + k));
                    }
                    int[] weight = weights[(placeY & Parts - 1) * Parts + (placeX & Parts - 1)];
                    Sample(image.Pixels, columns, rows, weight, made.Pixels, 3 * (y * width + x));
                }
            return made;
        }

        private static void Sample(byte[] pixels, int[] columns, int[] rows, int[] weight, byte[] target, int at)
        {
            int blue = One / 2, green = One / 2, red = One / 2;
            for (int k = 0; k < 16; k++)
            {
                int source = rows[k >> 2] + columns[k & 3], share = weight[k];
                blue += share * pixels[source];
                green += share * pixels[source + 1];
                red += share * pixels[source + 2];
            }
            target[at] = Clipped(blue >> 15);
            target[at + 1] = Clipped(green >> 15);
            target[at + 2] = Clipped(red >> 15);
        }

        private static byte Clipped(int value)
        {
            return (byte)(value < 0 ? 0 : value > 255 ? 255 : value);
        }

        private static int Rounded(double value)
        {
            return (int)Math.Round(Math.Max(int.MinValue, Math.Min(int.MaxValue, value)), MidpointRounding.ToEven);
        }

        /// <summary>For each part of a pixel, across and down, the weights of the 4 x 4 pixels around it.</summary>
        private static int[][] MakeWeights()
        {
            float[][] single = new float[Parts][];
            for (int part = 0; part < Parts; part++)
            {
                const float a = -0.75f;
                float x = part / (float)Parts;
                float[] w = new float[4];
                w[0] = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a;
                w[1] = ((a + 2) * x - (a + 3)) * x * x + 1;
                w[2] = ((a + 2) * (1 - x) - (a + 3)) * (1 - x) * (1 - x) + 1;
                w[3] = 1 - w[0] - w[1] - w[2];
                single[part] = w;
            }
            int[][] all = new int[Parts * Parts][];
            for (int i = 0; i < all.Length; i++)
            {
                int[] whole = all[i] = new int[16];
                int sum = 0;
                for (int k = 0; k < 16; k++)
                {
                    whole[k] = (int)Math.Round(single[i / Parts][k / 4] * single[i % Parts][k % 4] * One, MidpointRounding.ToEven);
                    sum += whole[k];
                }
                if (sum != One) Even(whole, sum - One);
            }
            return all;
        }

        /// <summary>Takes what the weights add up to too much from one of the four in the middle.</summary>
        private static void Even(int[] whole, int excess)
        {
            int least = 10, most = 10;
            foreach (int k in new[] { 10, 11, 14, 15 })
            {
                if (whole[k] < whole[least]) least = k;
                else if (whole[k] > whole[most]) most = k;
            }
            whole[excess < 0 ? most : least] -= excess;
        }
    }
}
