using System;
using System.Collections.Generic;
using System.Linq;

namespace OcrSharp
{
    /// <summary>From how far the drums of a counter have turned to the digits that it shows. See ocrbook's `resolve`.</summary>
    public static class Counter
    {
        internal const double Arrived = 0.85; // of its way to the next digit; then the last drum counts as there
        private const double Play = 0.1; // how far a drum may be off the others to count in full for their line
        private const double Stiff = 4; // what holds back the slope of that line

        /// <summary>What drums can be taken to show.</summary>
        internal sealed class Way
        {
            internal string Text;
            internal double Off; // how far the drums are off it at worst, in digits
            internal double Shift; // the last one together with the others
            internal double Loss; // in all
            internal int Telling; // how many of them tell at which level they stand
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
        /// over is likelier. What four or more are off together, along a line, is the crop's fault.
        /// </remarks>
        internal static List<Way> Ways(double[] places)
        {
            List<Way> ways = new List<Way>();
            foreach (bool geared in new[] { false, true })
            {
                double[] rest;
                bool[] telling;
                FromTheRight(places, geared, out rest, out telling);
                double[] shift = places.Length > 3 ? Together(rest, telling) : new double[places.Length];
                double[] moved = places.Select((place, i) => ((place - shift[i]) % 10 + 10) % 10).ToArray();
                int[] digits = FromTheRight(moved, geared, out rest, out telling);
                int end = places.Length - 1;
                ways.Add(new Way
                {
                    Text = Text(digits, moved[end] - Math.Floor(moved[end]) >= Arrived),
                    Off = rest.Max(each => Math.Abs(each)),
                    Shift = shift[end],
                    Loss = rest.Sum(each => Math.Abs(each)) + 0.3 * shift.Sum(each => Math.Abs(each)) + (geared ? 0.05 * places.Length : 0),
                    Telling = telling.Count(each => each)
                });
            }
            return ways.OrderBy(way => way.Loss).ToList();
        }

        /// <summary>What drums are off together: a line along the row, through those that tell.</summary>
        private static double[] Together(double[] off, bool[] telling)
        {
            double[] shift = new double[off.Length];
            int[] which = Enumerable.Range(0, off.Length).Where(i => telling[i]).ToArray();
            if (which.Length == 0) return shift;
            double usual = Median(Array.ConvertAll(which, i => off[i]), which.Length), middle = which.Average();
            double[] near = Array.ConvertAll(which, i => Math.Max(usual - Play, Math.Min(usual + Play, off[i])));
            double above = 0, below = Stiff;
            for (int k = 0; k < which.Length; k++)
            {
                above += near[k] * (which[k] - middle);
                below += (which[k] - middle) * (which[k] - middle);
            }
            for (int i = 0; i < shift.Length; i++)
                shift[i] = Math.Max(-0.25, Math.Min(0.25, near.Average() + above / below * (i - middle)));
            return shift;
        }

        private static int[] FromTheRight(double[] places, bool geared, out double[] off, out bool[] telling)
        {
            int last = places.Length - 1;
            int[] digits = new int[places.Length];
            off = new double[places.Length];
            telling = new bool[places.Length];
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
                telling[i] = geared || gone == 0;
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
