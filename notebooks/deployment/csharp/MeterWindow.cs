using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace OcrSharp
{
    /// <summary>Reads the whole window of a meter.</summary>
    public sealed class MeterWindow
    {
        private const double Accept = 0.8; // the confidence from which on drums are accepted
        private const double Blurred = 0.06; // how far a last drum must be from where its digit changes
        private const double Unlevelled = 0.3; // the same where no other drum stands still
        private const double Close = 0.2; // how much more the drums must be off in the next likely way
        private const double Agreed = 0.6; // how much of their doubt is gone once the line has the same digits
        private const double There = 0.3; // how certain a line must be of its digits for as many drums to be looked for

        private readonly MeterDigits digits;
        private readonly MeterDisplay display;
        private readonly MeterLines lines;
        private readonly MeterPositions positions;

        /// <param name="networks">The networks of ocrbook. With the one for lines more is read, and less is read wrong.</param>
        public MeterWindow(MeterNetworks networks)
        {
            digits = new MeterDigits(networks);
            display = new MeterDisplay(digits);
            lines = new MeterLines(networks);
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
            List<double[][]> looks = lines.Look(image);
            bool counter = drum;
            List<Position> found = positions.Find(image, count, ref counter);
            Reading own;
            if (drum && found.Count == 0) return Reading.Rejected("no digits found");
            if (found.Count > 0 && counter != drum)
            {
                own = Reading.Rejected("these look like digits of the kind \"" + Kind(counter) + "\", not \"" + Kind(drum) + "\"");
                if (drum) return own;
            }
            else if (counter)
            {
                if (count == 0) found = AsMany(image, found, looks);
                Reading told = Counted(image, found, looks, count, decimals);
                return told.Accepted && count > 0 ? NotMore(image, told, count) : told;
            }
            else own = display.Read(image, found, count, decimals);
            return looks.Count == 0 ? own : MeterDisplay.Together(image, own, looks, count, decimals);
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

        /// <summary>What was read as so many drums, unless more are read with the same digits among them.</summary>
        private Reading NotMore(Image image, Reading told, int count)
        {
            bool drum = true;
            Reading free = Counted(image, positions.Find(image, 0, ref drum), new List<double[][]>(), 0, 0);
            if (free.Text.Length <= count || !free.Text.Contains(told.Text)) return told;
            return Reading.Rejected(free.Text.Length + " positions found, not " + count, free.Parts);
        }

        /// <summary>The positions of drums, as many as the line has digits if that is certain and they are found.</summary>
        private List<Position> AsMany(Image image, List<Position> found, List<double[][]> looks)
        {
            double certain;
            bool drum = true;
            int count = MeterLines.Likeliest(looks, 0, out certain).Length;
            if (count == 0 || count == found.Count || count > MeterPositions.Most || certain <= There) return found;
            List<Position> others = positions.Find(image, count, ref drum);
            return others.Count == count ? others : found;
        }

        private Reading Counted(Image image, List<Position> found, List<double[][]> looks, int count, int decimals)
        {
            if (found.Count == 0) return Reading.Rejected("no digits found");
            double[][] probabilities = digits.Probabilities(found.ConvertAll(each => CutOut(image, each, true)), true);
            List<Reading> parts = MeterDigits.Readings(probabilities, true).ToList();
            if (count > 0 && parts.Count != count) return Reading.Rejected(parts.Count + " positions found, not " + count, parts);
            List<Counter.Way> ways = Counter.Ways(parts.Select(part => part.Value.Value).ToArray());
            Counter.Way way = ways[0], other = ways.Find(each => each.Text != way.Text);
            int end = parts.Count - 1;
            double last = Same(probabilities[end], way), row = Evenness(found);
            if (other != null) last /= 1 + Math.Exp((way.Loss - other.Loss) / Close);
            for (int i = 0; i < end; i++) row *= Near(probabilities[i], parts[i].Value.Value);
            foreach (Position each in found) row *= Math.Min(1, each.Score / MeterPositions.Sure);
            if (looks.Count > 0) // how far a last drum has turned, the line can't tell
            {
                double certain;
                string text = MeterLines.Likeliest(looks, parts.Count, out certain);
                row = text.Take(end).SequenceEqual(way.Text.Take(end)) ? 1 - (1 - row) * (1 - Agreed) : Math.Min(row, 1 - certain);
            }
            double sure = row * last;
            if (way.Off > 0.35)
                return new Reading(way.Text, Number(way.Text, decimals), Math.Min(sure, 0.5), false, "drums that no counter shows together", parts);
            return Judged(way.Text, decimals, sure * Math.Max(0, Math.Min(1, 1.75 - 5 * way.Off)), Accept, parts);
        }

        internal static Reading Judged(string text, int decimals, double sure, double least, List<Reading> parts)
        {
            string reason = decimals > text.Length ? "fewer digits than decimals" : sure >= least ? "" : "uncertain";
            return new Reading(text, Number(text, decimals), sure, reason == "", reason, parts);
        }

        internal static double Number(string text, int decimals)
        {
            return double.Parse(text, CultureInfo.InvariantCulture) / Math.Pow(10, decimals);
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

        /// <summary>1 for positions at equal distances, less where one seems to be missing.</summary>
        internal static double Evenness(List<Position> found)
        {
            if (found.Count < 3) return 1;
            List<double> gaps = new List<double>();
            for (int i = 1; i < found.Count; i++) gaps.Add(found[i].X - found[i - 1].X);
            double usual = Counter.Median(gaps, gaps.Count), worst = gaps.Max(gap => Math.Abs(gap / usual - 1));
            return worst > 0.3 ? Math.Max(0.1, Math.Min(1, 1.6 - 2 * worst)) : 1;
        }

        /// <summary>A position with room around it.</summary>
        internal static Image CutOut(Image image, Position place, bool drum)
        {
            int width = Math.Max(2, (int)Math.Round(Math.Min(place.Width * (drum ? 1.1 : 1.3), 1.5 * image.Width)));
            int height = Math.Max(2, (int)Math.Round(Math.Min(place.Height * (drum ? 1.15 : 1.25), 1.5 * image.Height)));
            return Sampling.Part(image, place.X + 0.5 - width / 2.0, place.Y + 0.5 - height / 2.0, 1, 1, width, height);
        }
    }
}
