using System;
using System.Collections.Generic;
using System.Linq;

namespace OcrSharp
{
    /// <summary>From how far the drums of a counter have turned to the digits that it shows. See ocrbook's `resolve`.</summary>
    public static class Counter
    {
        internal const double Arrived = 0.85; // of its way to the next digit; then the last drum counts as there

        /// <summary>What drums can be taken to show.</summary>
        internal sealed class Way
        {
            internal string Text;
            internal double Off; // how far the drums are off it at worst, in digits
            internal double Shift; // all together
            internal double Loss; // in all
        }

        /// <summary>The digits, and how far the drums are off what a counter can show, at worst, in digits.</summary>
        public static string Resolve(double[] places, out double off)
        {
            Way likeliest = Ways(places)[0];
            off = likeliest.Off;
            return likeliest.Text;
        }

        /// <summary>The ways to understand a counter, the likeliest first.</summary>
        /// <remarks>
        /// From right to left: take away from each drum what its neighbour says it has gone, and what is left is a digit.
        /// A drum either moves while its neighbour goes from 9 to 0, or, geared, all the time; the way that leaves less
        /// over is likelier. What all drums are off together is the crop's fault.
        /// </remarks>
        internal static List<Way> Ways(double[] places)
        {
            List<Way> ways = new List<Way>();
            foreach (bool geared in new[] { false, true })
            {
                double[] rest;
                FromTheRight(places, geared, out rest);
                double common = Math.Max(-0.15, Math.Min(0.15, Median(rest, rest.Length - 1)));
                foreach (double shift in places.Length > 3 ? new[] { 0, common } : new[] { 0.0 })
                {
                    double[] moved = Array.ConvertAll(places, place => ((place - shift) % 10 + 10) % 10);
                    int[] digits = FromTheRight(moved, geared, out rest);
                    double last = places[places.Length - 1] - shift;
                    Way way = new Way { Text = Text(digits, last - Math.Floor(last) >= Arrived), Shift = shift };
                    way.Loss = places.Length * (0.3 * Math.Abs(shift) + (geared ? 0.05 : 0));
                    foreach (double each in rest)
                    {
                        way.Loss += Math.Abs(each);
                        way.Off = Math.Max(way.Off, Math.Abs(each));
                    }
                    ways.Add(way);
                }
            }
            return ways.OrderBy(way => way.Loss).ToList();
        }

        private static int[] FromTheRight(double[] places, bool geared, out double[] off)
        {
            int last = places.Length - 1;
            int[] digits = new int[places.Length];
            off = new double[places.Length];
            double lower = places[last];
            digits[last] = (int)lower % 10;
            for (int i = last - 1; i >= 0; i--)
            {
                double gone = geared ? lower / 10 : Math.Max(0, lower - 9);
                if (!geared && gone < 0.15 && Math.Abs(places[i] - Round(places[i])) < Math.Abs(places[i] - gone - Round(places[i] - gone)))
                    gone = 0; // the neighbour stands at 9, give or take its play
                double digit = Round(places[i] - gone);
                digits[i] = ((int)digit % 10 + 10) % 10;
                off[i] = places[i] - gone - digit;
                lower = digits[i] + gone;
            }
            return digits;
        }

        private static string Text(int[] digits, bool carry)
        {
            char[] text = new char[digits.Length];
            for (int i = digits.Length - 1; i >= 0; i--)
            {
                int digit = digits[i] + (carry ? 1 : 0);
                carry = digit == 10;
                text[i] = (char)('0' + digit % 10);
            }
            return new string(text);
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

        private static double Round(double value)
        {
            return Math.Round(value, MidpointRounding.ToEven);
        }
    }
}
