using System;
using System.Collections.Generic;
using System.Linq;

namespace OcrSharp
{
    /// <summary>Reads single positions of meters: drums in tenths, digits of displays.</summary>
    public sealed class MeterDigits
    {
        internal const int Blank = 10;
        private const double Plainest = 2.5; // gray levels that what a crop shows deviates by at least
        private const int Width = 32, Height = 48, Reach = 5, Least = 8;
        private const double Certain = 0.8, Taught = 0.98;

        // how a crop is looked at: how many times enlarged, and moved sideways by which share of its width
        private static readonly double[][] views =
        {
            new[] { 1, 0.0 }, new[] { 1.15, 0 }, new[] { 1.3, 0 }, new[] { 1.15, 0.06 }, new[] { 1.15, -0.06 }
        };

        private readonly MeterNetworks networks;

        /// <param name="networks">The small networks of ocrbook.</param>
        public MeterDigits(MeterNetworks networks)
        {
            this.networks = networks;
        }

        /// <summary>Reads one position, cut out with a little room around it.</summary>
        /// <param name="image">The position.</param>
        /// <param name="drum">Whether it is a drum; else it belongs to a display.</param>
        public Reading Read(Image image, bool drum)
        {
            if (TooSmall(image)) return Reading.Rejected("too small to be read");
            if (Plain(image)) return Reading.Rejected("blank");
            return Readings(Probabilities(new[] { image }, drum), drum)[0];
        }

        internal static bool TooSmall(Image image)
        {
            return Math.Min(image.Width, image.Height) < Least;
        }

        /// <summary>What the network thinks of each crop: the geometric mean of five views.</summary>
        internal double[][] Probabilities(IList<Image> crops, bool drum)
        {
            Tensor input = new Tensor(views.Length * crops.Count, 3, Height, Width);
            for (int v = 0; v < views.Length; v++)
                for (int i = 0; i < crops.Count; i++)
                    MeterNetworks.Normalize(View(crops[i], views[v][0], views[v][1]), input, v * crops.Count + i, Width, !drum);
            Tensor logits = networks.Run(drum ? "drum" : "lcd", input);
            int classes = logits.Shape[1];
            double[][] answers = new double[crops.Count][];
            for (int i = 0; i < crops.Count; i++)
            {
                double[] mean = new double[classes];
                for (int v = 0; v < views.Length; v++)
                {
                    double[] one = new double[classes];
                    for (int k = 0; k < classes; k++) one[k] = logits.Data[(v * crops.Count + i) * classes + k];
                    Softmax(one);
                    for (int k = 0; k < classes; k++) mean[k] += Math.Log(one[k] + 1e-6) / views.Length;
                }
                Softmax(mean);
                answers[i] = mean;
            }
            return answers;
        }

        /// <summary>What each position shows.</summary>
        internal static Reading[] Readings(double[][] probabilities, bool drum)
        {
            return Array.ConvertAll(probabilities, each => drum ? Drum(each) : Digit(each));
        }

        /// <summary>Whether a position of a display, if it is not blank, is most likely an 8.</summary>
        internal static bool LikeEight(double[] probability)
        {
            return probability.Take(Blank).All(each => each <= probability[8]);
        }

        private static Reading Digit(double[] probability)
        {
            int digit = Best(probability);
            double sure = Math.Min(1, probability[digit] / Taught);
            if (digit == Blank) return new Reading("", null, sure, false, "blank");
            return new Reading(digit.ToString(), digit, sure, sure >= Certain, sure >= Certain ? "" : "uncertain");
        }

        private static Reading Drum(double[] probability)
        {
            int top = Best(probability), count = probability.Length;
            double weight = 0, moment = 0, sure = 0;
            for (int off = -Reach; off <= Reach; off++)
            {
                double share = probability[(top + off + count) % count];
                weight += share;
                moment += share * off;
            }
            double value = ((top + moment / weight) / 10 % 10 + 10) % 10;
            int shown = (int)Math.Floor(value + 0.5) % 10;
            for (int k = 0; k < count; k++)
                if ((int)Math.Floor(k / 10.0 + 0.5) % 10 == shown) sure += probability[k];
            return new Reading(shown.ToString(), value, sure, sure >= Certain, sure >= Certain ? "" : "between two digits or illegible");
        }

        private static Image View(Image crop, double zoom, double aside)
        {
            double stepX = crop.Width / zoom / Width, stepY = crop.Height / zoom / Height;
            double left = crop.Width * (1 - 1 / zoom) / 2 + aside * crop.Width, top = crop.Height * (1 - 1 / zoom) / 2;
            double blur = Math.Max(stepX, stepY) > 1.3 ? 0.4 * Math.Max(stepX, stepY) : 0;
            return Sampling.Part(crop, left + stepX / 2 - 0.5, top + stepY / 2 - 0.5, stepX, stepY, Width, Height, blur);
        }

        /// <summary>Whether a crop shows no more than noise, a slope, or straight edges that run through it.</summary>
        /// <remarks>What each row and each column have in common is taken away, and what is finer than a stroke.</remarks>
        private static bool Plain(Image crop)
        {
            byte[] pixels = Sampling.Area(crop, Width, Height).Pixels;
            double[] gray = new double[Width * Height], rows = new double[Height], columns = new double[Width];
            for (int i = 0; i < gray.Length; i++)
            {
                gray[i] = (pixels[3 * i] + pixels[3 * i + 1] + pixels[3 * i + 2]) / 3.0;
                rows[i / Width] += gray[i] / Width;
                columns[i % Width] += gray[i] / Height;
            }
            for (int i = 0; i < gray.Length; i++) gray[i] -= rows[i / Width] + columns[i % Width];
            double[] left = Sampling.Smooth(gray, Width, Width / 20.0);
            double mean = left.Average();
            return Math.Sqrt(left.Average(value => (value - mean) * (value - mean))) < Plainest;
        }

        private static int Best(double[] values)
        {
            int best = 0;
            for (int i = 1; i < values.Length; i++)
                if (values[i] > values[best]) best = i;
            return best;
        }

        private static void Softmax(double[] values)
        {
            double most = values[Best(values)], sum = 0;
            for (int i = 0; i < values.Length; i++) sum += values[i] = Math.Exp(values[i] - most);
            for (int i = 0; i < values.Length; i++) values[i] /= sum;
        }
    }
}
