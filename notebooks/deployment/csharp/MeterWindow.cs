using System;
using System.Collections.Generic;
using System.Linq;

namespace OcrSharp
{
    /// <summary>Reads the whole window of a meter.</summary>
    public sealed class MeterWindow
    {
        private const double CertainDrum = 0.8, CertainDisplay = 0.75;
        private const double Blurred = 0.06; // how far a last drum must be from where its digit changes
        private const double Unlevelled = 0.3; // the same where no other drum stands still
        private const double Close = 0.2; // how much more the drums must be off in the next likely way
        private const double Ghost = 0.5, Lit = 0.8; // contrast of unlit segments and of an 8, as shares of the others'

        private readonly MeterDigits digits;
        private readonly MeterPositions positions;

        /// <param name="networks">The small networks of ocrbook.</param>
        public MeterWindow(MeterNetworks networks)
        {
            digits = new MeterDigits(networks);
            positions = new MeterPositions(networks);
        }

        /// <summary>Reads a window that was cut out with little around it.</summary>
        /// <param name="image">The window, upright.</param>
        /// <param name="drum">Whether it is a counter; else it is a display.</param>
        /// <param name="count">How many positions it has; 0 finds out.</param>
        /// <param name="decimals">How many of them are decimals.</param>
        public Reading Read(Image image, bool drum, int count = 0, int decimals = 0)
        {
            Check(count, decimals);
            if (MeterDigits.TooSmall(image)) return Reading.Rejected("too small to be read");
            bool counter = drum;
            List<Position> found = positions.Find(image, count, ref counter);
            if (found.Count == 0) return Reading.Rejected("no digits found");
            if (counter != drum)
                return Reading.Rejected("these look like digits of the kind \"" + Kind(counter) + "\", not \"" + Kind(drum) + "\"");
            List<Image> crops = found.ConvertAll(each => CutOut(image, each, drum));
            double[][] probabilities = digits.Probabilities(crops, drum);
            List<Reading> parts = MeterDigits.Readings(probabilities, drum).ToList();
            if (!drum)
            {
                ByContrast(parts, probabilities, crops);
                if (count > 0) // what was added is blank, whatever unlit segments look like
                {
                    for (int i = 0; i < parts.Count; i++)
                        if (found[i].Score < MeterPositions.Seen) parts[i] = new Reading("", null, 1, false, "blank");
                    WithoutBlankEnds(found, parts, count);
                }
                else // a position found by itself that shows nothing is none
                {
                    found = found.Where((each, i) => parts[i].Reason != "blank").ToList();
                    parts.RemoveAll(part => part.Reason == "blank");
                    if (parts.Count == 0) return Reading.Rejected("no digits found");
                }
            }
            if (count > 0 && parts.Count != count) return Reading.Rejected(parts.Count + " positions found, not " + count, parts);
            return drum ? Counted(found, probabilities, parts, decimals) : Displayed(found, parts, decimals);
        }

        /// <summary>Whether there can be so many digits and decimals; if not, an exception says so.</summary>
        internal static void Check(int count, int decimals)
        {
            if (count < 0 || count > MeterPositions.Most)
                throw new OcrException("a window has 1 to " + MeterPositions.Most + " digits, not " + count);
            if (decimals < 0 || (count > 0 && decimals > count)) throw new OcrException("there can't be " + decimals + " decimals");
        }

        private static string Kind(bool drum)
        {
            return drum ? "drum" : "lcd";
        }

        /// <summary>Removes blank positions at the ends, the less certain one first, until no more than `count` are left.</summary>
        private static void WithoutBlankEnds(List<Position> found, List<Reading> parts, int count)
        {
            while (found.Count > count)
            {
                int last = found.Count - 1;
                bool first = parts[0].Reason == "blank", end = parts[last].Reason == "blank";
                if (!first && !end) return;
                int place = first && (!end || found[0].Score <= found[last].Score) ? 0 : last;
                found.RemoveAt(place);
                parts.RemoveAt(place);
            }
        }

        private static Reading Counted(List<Position> found, double[][] probabilities, List<Reading> parts, int decimals)
        {
            List<Counter.Way> ways = Counter.Ways(parts.Select(part => part.Value.Value).ToArray());
            Counter.Way way = ways[0], other = ways.Find(each => each.Text != way.Text);
            double sure = other == null ? 1 : 1 / (1 + Math.Exp((way.Loss - other.Loss) / Close));
            for (int i = 0; i < parts.Count; i++)
                sure *= i + 1 < parts.Count ? Near(probabilities[i], parts[i].Value.Value) : Same(probabilities[i], way);
            sure *= Seen(found, parts) * Evenness(found);
            if (way.Off > 0.35)
                return new Reading(way.Text, Number(way.Text, decimals), Math.Min(sure, 0.5), false, "drums that no counter shows together", parts);
            return Judged(way.Text, decimals, sure * Math.Max(0, Math.Min(1, 1.75 - 5 * way.Off)), CertainDrum, parts);
        }

        private static Reading Displayed(List<Position> found, List<Reading> parts, int decimals)
        {
            string text = string.Concat(parts.Select(part => part.Text));
            int first = parts.FindIndex(part => part.Text != "");
            if (first < 0) return Reading.Rejected("no digits found", parts);
            if (parts.Skip(first).Any(part => part.Text == "")) return new Reading(text, null, 0, false, "a blank position between digits", parts);
            double sure = 1;
            foreach (Reading part in parts) sure *= part.Confidence;
            return Judged(text, decimals, sure * Seen(found, parts) * Evenness(found), CertainDisplay, parts);
        }

        private static Reading Judged(string text, int decimals, double sure, double least, List<Reading> parts)
        {
            if (decimals > text.Length) return new Reading(text, Number(text, decimals), sure, false, "fewer digits than decimals", parts);
            return new Reading(text, Number(text, decimals), sure, sure >= least, sure >= least ? "" : "uncertain", parts);
        }

        private static double Number(string text, int decimals)
        {
            return long.Parse(text) / Math.Pow(10, decimals);
        }

        /// <summary>The share of answers that lie less than half a digit from one.</summary>
        private static double Near(double[] probability, double value)
        {
            double sure = 0;
            for (int k = 0; k < probability.Length; k++)
                if (Math.Abs((k / 10.0 - value + 15) % 10 - 5) <= 0.45) sure += probability[k];
            return sure;
        }

        /// <summary>The share of answers for which the last drum is read as the same digit.</summary>
        private static double Same(double[] probability, Counter.Way way)
        {
            double sure = 0;
            int digit = way.Text[way.Text.Length - 1] - '0';
            double blurred = Math.Max(Blurred, Unlevelled / (1 + way.Telling));
            for (int k = 0; k < probability.Length; k++)
            {
                double past = (k / 10.0 - way.Shift - digit + 15) % 10 - 5, inside = 0.5 - Math.Abs(past - (Counter.Arrived - 0.5));
                sure += probability[k] * Math.Max(0, Math.Min(1, 0.5 + inside / (2 * blurred)));
            }
            return sure;
        }

        private static double Seen(List<Position> found, List<Reading> parts)
        {
            double sure = 1;
            for (int i = 0; i < found.Count; i++)
                if (parts[i].Reason != "blank") sure *= Math.Min(1, found[i].Score / MeterPositions.Sure);
            return sure;
        }

        /// <summary>1 for positions at equal distances, less where one seems to be missing.</summary>
        private static double Evenness(List<Position> found)
        {
            if (found.Count < 3) return 1;
            List<double> gaps = new List<double>();
            for (int i = 1; i < found.Count; i++) gaps.Add(found[i].X - found[i - 1].X);
            double usual = Counter.Median(gaps, gaps.Count), worst = gaps.Max(gap => Math.Abs(gap / usual - 1));
            return worst > 0.3 ? Math.Max(0.1, Math.Min(1, 1.6 - 2 * worst)) : 1;
        }

        /// <summary>Tells 8s from unlit segments, by the contrast of the digits beside them.</summary>
        private static void ByContrast(List<Reading> parts, double[][] probabilities, List<Image> crops)
        {
            int first = parts.FindIndex(part => part.Text != "8" && part.Text != "");
            if (first < 0) return;
            List<double> contrasts = crops.ConvertAll(Contrast);
            List<double> lit = contrasts.Where((each, i) => i >= first && parts[i].Reason != "blank").ToList();
            double usual = Counter.Median(lit, lit.Count);
            for (int i = 0; i < parts.Count; i++)
            {
                if (i < first && parts[i].Text == "8" && contrasts[i] < Ghost * usual)
                    parts[i] = new Reading("", null, parts[i].Confidence, false, "blank");
                else if (parts[i].Reason == "blank" && MeterDigits.LikeEight(probabilities[i]) && contrasts[i] > Lit * usual)
                    parts[i] = new Reading("8", 8, 0.5, false, "uncertain");
            }
        }

        private static double Contrast(Image image)
        {
            double sum = 0, squares = 0;
            int count = image.Width * image.Height;
            for (int i = 0; i < count; i++)
            {
                double gray = (image.Pixels[3 * i] + image.Pixels[3 * i + 1] + image.Pixels[3 * i + 2]) / 3.0;
                sum += gray;
                squares += gray * gray;
            }
            return Math.Sqrt(Math.Max(0, squares / count - sum / count * sum / count));
        }

        /// <summary>A position with room around it.</summary>
        private static Image CutOut(Image image, Position place, bool drum)
        {
            int width = Math.Max(2, (int)Math.Round(Math.Min(place.Width * (drum ? 1.1 : 1.3), 1.5 * image.Width)));
            int height = Math.Max(2, (int)Math.Round(Math.Min(place.Height * (drum ? 1.1 : 1.25), 1.5 * image.Height)));
            return Sampling.Part(image, place.X + 0.5 - width / 2.0, place.Y + 0.5 - height / 2.0, 1, 1, width, height);
        }
    }
}
