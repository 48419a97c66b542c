using System;
using System.Collections.Generic;

namespace OcrSharp
{
    /// <summary>Reads a window as a line: PP-OCRv6, tuned on drawn windows, knows digits alone. As ocrbook.meters.lines.</summary>
    internal sealed class MeterLines
    {
        internal const string Network = "lines";
        private const int Height = TextRecognizer.Height, Narrowest = 160, Widest = 800;
        private const int White = 245; // from here on a camera saw nothing but light
        private const double Glare = 0.25; // how much more of an end than of the middle must be as bright

        // how a window is shown: at which share of its width, and with how much more around it, in its heights
        private static readonly double[][] shown = { new[] { 0.55, -0.06 }, new[] { 0.65, 0 }, new[] { 0.75, 0.06 } };

        private readonly MeterNetworks networks;

        internal MeterLines(MeterNetworks networks)
        {
            this.networks = networks;
        }

        /// <summary>The logarithms that the network answers, for each step of each look; none if there is no such network.</summary>
        internal List<double[][]> Look(Image image)
        {
            List<double[][]> looks = new List<double[][]>();
            if (networks.Prepare(Network) == null) return looks;
            foreach (double[] how in shown)
            {
                int sign = Math.Sign(how[1]), down = sign * (int)Math.Round(Math.Abs(how[1]) * image.Height);
                int across = sign * (int)Math.Round(Math.Abs(how[1]) / 3 * image.Width);
                Image part = Sampling.Part(image, -across, -down, 1, 1, image.Width + 2 * across, image.Height + 2 * down);
                looks.Add(Logarithms(networks.Run(Network, Input(part, how[0]))));
            }
            return looks;
        }

        private static Tensor Input(Image image, double squeeze)
        {
            double ratio = (double)(Height * image.Width) / image.Height;
            int width = (int)Math.Max(16, Math.Min(Widest, Math.Round(ratio * squeeze))), room = Math.Max(width, Narrowest);
            Tensor input = new Tensor(1, 3, Height, room);
            Image line = image.Height > Height ? Sampling.Area(image, width, Height) : Resize.Linear(image, width, Height);
            TextRecognizer.Put(line, input, 0, room);
            return input;
        }

        private static double[][] Logarithms(Tensor answer)
        {
            int classes = answer.Shape[answer.Shape.Length - 1];
            if (answer.Shape.Length != 3 || classes != 11)
                throw new OcrException("the network for lines of meters must have 11 classes, a blank and the digits, not " + classes);
            double[][] steps = new double[answer.Shape[1]][];
            for (int step = 0; step < steps.Length; step++)
            {
                steps[step] = new double[classes];
                for (int k = 0; k < classes; k++) steps[step][k] = Math.Log(answer.Data[step * classes + k] + 1e-9f);
            }
            return steps;
        }

        /// <summary>The digits that the looks together are most certain of.</summary>
        /// <param name="length">How many there are; 0 for any number.</param>
        internal static string Likeliest(List<double[][]> looks, int length, out double certain)
        {
            Dictionary<string, double> shares = new Dictionary<string, double>();
            string best = "";
            certain = 0;
            foreach (double[][] look in looks)
            {
                double likely, before;
                string text = MeterBeam.Best(look, length, out likely);
                shares.TryGetValue(text, out before);
                shares[text] = before + Math.Exp(likely) / looks.Count;
            }
            foreach (KeyValuePair<string, double> share in shares)
                if (share.Value > certain)
                {
                    best = share.Key;
                    certain = share.Value;
                }
            return best;
        }

        /// <summary>Whether so much light falls on an end of a window that a digit may have been lost there.</summary>
        internal static bool Overexposed(Image image)
        {
            int end = Math.Max(1, image.Width / 8), quarter = image.Width / 4;
            double ends = Math.Max(Bright(image, 0, end), Bright(image, image.Width - end, image.Width));
            return ends - Bright(image, quarter, image.Width - quarter) > Glare;
        }

        /// <summary>The share of white pixels in some columns.</summary>
        private static double Bright(Image image, int left, int right)
        {
            int top = image.Height / 6, bottom = image.Height - top, count = 0;
            for (int y = top; y < bottom; y++)
                for (int x = left; x < right; x++)
                {
                    int i = 3 * (y * image.Width + x);
                    if (Math.Min(image.Pixels[i], Math.Min(image.Pixels[i + 1], image.Pixels[i + 2])) >= White) count++;
                }
            return (double)count / (bottom - top) / (right - left);
        }
    }
}
