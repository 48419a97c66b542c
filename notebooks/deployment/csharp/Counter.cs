using System;
using System.Collections.Generic;
using System.Linq;

namespace OcrSharp
{
    /// <summary>From what is thought of the drums of a counter to the digits that it shows. See ocrbook's `decode`.</summary>
    public static class Counter
    {
        private const double Arrived = 0.85; // of its way to the next digit; then the last drum counts as there
        private const double Trust = 0.8, Doubt = 1e-3, Geared = 0.15, Play = 0.07;
        private const int Steps = 200; // around a drum: twentieths of a digit

        /// <summary>The digits, how likely they are, and how badly the drum stands that fits worst.</summary>
        /// <remarks>
        /// Every place is tried at which the last drum may stand, with both ways to move (a drum either moves while its
        /// neighbour goes from 9 to 0, or, geared, all the time) and with all drums a little higher or lower. From right
        /// to left each tells where the other drums may stand. What leads to the same digits is added up.
        /// </remarks>
        /// <param name="probabilities">A hundred for each drum, its tenths, from the left to the right.</param>
        /// <param name="sure">The posterior probability of the digits.</param>
        /// <param name="fits">How likely the worst place is, as a share of that drum's likeliest one.</param>
        public static string Decode(double[][] probabilities, out double sure, out double fits)
        {
            double[][] likely = Array.ConvertAll(probabilities, Twentieths);
            double[] peaks = Array.ConvertAll(likely, each => each.Max());
            SortedDictionary<double, double> shares = new SortedDictionary<double, double>();
            Dictionary<double, Way> ways = new Dictionary<double, Way>();
            List<Way> all = new List<Way>();
            foreach (bool geared in new[] { false, true })
                for (int shift = -2; shift <= 2; shift++)
                    for (int step = 0; step < Steps; step++) all.Add(new Way(likely, peaks, geared, shift / 20.0, step / 20.0));
            double top = all.Max(way => way.Every), total = 0;
            foreach (Way way in all)
            {
                double share, weight = Math.Exp(way.Best - top);
                total += Math.Exp(way.Every - top);
                shares.TryGetValue(way.Number, out share);
                shares[way.Number] = share + weight;
                if (!ways.ContainsKey(way.Number) || way.Best > ways[way.Number].Best) ways[way.Number] = way;
            }
            double most = shares.Values.Max(), winner = shares.First(each => each.Value == most).Key;
            sure = most / total;
            fits = ways[winner].Worst;
            return ((long)winner).ToString().PadLeft(probabilities.Length, '0');
        }

        private static double[] Twentieths(double[] probability)
        {
            double[] powers = Array.ConvertAll(probability, each => Math.Pow(each, Trust)), result = new double[Steps];
            double sum = powers.Sum();
            for (int k = 0; k < powers.Length; k++) result[2 * k] = powers[k] / sum + Doubt;
            for (int k = 1; k < Steps; k += 2) result[k] = (result[k - 1] + result[(k + 1) % Steps]) / 2;
            return result;
        }

        /// <summary>One place of the last drum, and what follows from it.</summary>
        private sealed class Way
        {
            internal readonly double Best, Every, Worst, Number;

            internal Way(double[][] likely, double[] peaks, bool geared, double shift, double last)
            {
                int drum = likely.Length - 1;
                double here = At(likely[drum], last, shift), lower = last, unit = 1;
                Best = Every = Math.Log(geared ? Geared : 1 - Geared) - shift / Play * (shift / Play) / 2 + Math.Log(here);
                Worst = here / peaks[drum];
                Number = Math.Floor(last);
                while (--drum >= 0)
                {
                    double gone = geared ? lower / 10 : Math.Max(0, lower - 9), sum = 0, most = 0;
                    int digit = 0;
                    for (int each = 0; each < 10; each++)
                    {
                        here = At(likely[drum], each + gone, shift);
                        sum += here;
                        if (here <= most) continue;
                        most = here;
                        digit = each;
                    }
                    Best += Math.Log(most);
                    Every += Math.Log(sum);
                    Worst = Math.Min(Worst, most / peaks[drum]);
                    lower = digit + gone;
                    Number += digit * (unit *= 10);
                }
                Number = (Number + (last - Math.Floor(last) > Arrived - 1e-6 ? 1 : 0)) % (unit * 10);
            }

            private static double At(double[] likely, double place, double shift)
            {
                return likely[((int)Math.Round((place + shift) * 20) + Steps) % Steps];
            }
        }

        /// <summary>The median of the first numbers.</summary>
        internal static double Median(IList<double> values, int count)
        {
            if (count == 0) return 0;
            double[] sorted = new double[count];
            for (int i = 0; i < count; i++) sorted[i] = values[i];
            Array.Sort(sorted);
            return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
        }
    }
}
