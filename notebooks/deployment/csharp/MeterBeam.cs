using System;
using System.Collections.Generic;
using System.Linq;

namespace OcrSharp
{
    /// <summary>The digits that all paths through the answers of a network for CTC together make most likely.</summary>
    /// <remarks>
    /// A prefix beam search (Hannun et al., 2014) as in ocrbook.ctc. Prefixes of each length compete among themselves only,
    /// so that digits of a known number are found, however much likelier fewer are.
    /// </remarks>
    internal static class MeterBeam
    {
        private const int Width = 4; // prefixes that are kept of each length
        private const double Floor = -9; // digits that are less likely at a step are not tried there
        private const double Never = double.NegativeInfinity;

        /// <summary>The digits, "" if there can't be so many.</summary>
        /// <param name="steps">For each step the logarithms of the blank and the ten digits.</param>
        /// <param name="length">How many digits there are; 0 for any number.</param>
        /// <param name="likely">The logarithm of their probability.</param>
        internal static string Best(double[][] steps, int length, out double likely)
        {
            // the likelihood of the ways that end with a blank, and with a digit
            Dictionary<string, double[]> beams = new Dictionary<string, double[]> { { "", new[] { 0, Never } } };
            for (int step = 0; step < steps.Length; step++)
            {
                int left = steps.Length - step - 1;
                beams = Grown(beams, steps[step], length)
                    .Where(beam => Total(beam) > Never && (length == 0 || beam.Key.Length + left >= length))
                    .GroupBy(beam => beam.Key.Length)
                    .SelectMany(alike => alike.OrderByDescending(Total).ThenByDescending(beam => beam.Key, StringComparer.Ordinal).Take(Width))
                    .ToDictionary(beam => beam.Key, beam => beam.Value);
            }
            KeyValuePair<string, double[]> best = beams.Where(beam => length == 0 || beam.Key.Length == length)
                .OrderByDescending(Total).FirstOrDefault();
            likely = best.Key == null ? Never : Total(best);
            return best.Key ?? "";
        }

        private static Dictionary<string, double[]> Grown(Dictionary<string, double[]> beams, double[] row, int length)
        {
            Dictionary<string, double[]> grown = new Dictionary<string, double[]>();
            foreach (KeyValuePair<string, double[]> beam in beams)
            {
                string prefix = beam.Key;
                int end = prefix == "" ? -1 : prefix[prefix.Length - 1] - '0';
                Gain(grown, prefix, 0, Total(beam) + row[0]);
                if (end >= 0) Gain(grown, prefix, 1, beam.Value[1] + row[1 + end]);
                for (int digit = 0; digit < 10 && (length == 0 || prefix.Length < length); digit++)
                    if (row[1 + digit] > Floor)
                        Gain(grown, prefix + digit, 1, (digit == end ? beam.Value[0] : Total(beam)) + row[1 + digit]);
            }
            return grown;
        }

        private static void Gain(Dictionary<string, double[]> grown, string prefix, int way, double likely)
        {
            double[] ways;
            if (!grown.TryGetValue(prefix, out ways)) grown[prefix] = ways = new[] { Never, Never };
            ways[way] = Sum(ways[way], likely);
        }

        private static double Total(KeyValuePair<string, double[]> beam)
        {
            return Sum(beam.Value[0], beam.Value[1]);
        }

        /// <summary>The logarithm of the sum of two probabilities given as logarithms.</summary>
        private static double Sum(double one, double other)
        {
            double more = Math.Max(one, other), less = Math.Min(one, other);
            return less == Never ? more : more + Math.Log(1 + Math.Exp(less - more));
        }
    }
}
