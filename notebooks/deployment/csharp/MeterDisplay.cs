using System;
using System.Collections.Generic;
using System.Linq;

namespace OcrSharp
{
    /// <summary>Reads the display of a meter: by its positions, and together with what was read as a line.</summary>
    internal sealed class MeterDisplay
    {
        private const double Accept = 0.75; // the confidence from which on what the small networks read is accepted
        private const double Ghost = 0.5, Lit = 0.8; // contrast of unlit segments and of an 8, as shares of the others'
        private const double Told = 0.65, NotTold = 0.75; // how certain a line must be, of as many digits as were told or not
        private const double Likely = 0.3; // the same, to support what the small networks accept
        private const double AloneTold = 0.95, Alone = 0.99; // how certain those must be where the line is another one

        private readonly MeterDigits digits;

        internal MeterDisplay(MeterDigits digits)
        {
            this.digits = digits;
        }

        /// <summary>What the small networks read at the positions.</summary>
        internal Reading Read(Image image, List<Position> found, int count, int decimals)
        {
            if (found.Count == 0) return Reading.Rejected("no digits found");
            List<Image> crops = found.ConvertAll(each => MeterWindow.CutOut(image, each, false));
            double[][] probabilities = digits.Probabilities(crops, false);
            List<Reading> parts = MeterDigits.Readings(probabilities, false).ToList();
            ByContrast(parts, probabilities, crops);
            if (count > 0) // what was added is blank, whatever unlit segments look like
            {
                for (int i = 0; i < parts.Count; i++)
                    if (found[i].Score < MeterPositions.Seen) parts[i] = new Reading("", null, 1, false, "blank");
                WithoutBlankEnds(found, parts, count);
                if (parts.Count != count) return Reading.Rejected(parts.Count + " positions found, not " + count, parts);
            }
            else // a position found by itself that shows nothing is none
            {
                found = found.Where((each, i) => parts[i].Reason != "blank").ToList();
                parts.RemoveAll(part => part.Reason == "blank");
            }
            string text = string.Concat(parts.Select(part => part.Text));
            if (text == "") return Reading.Rejected("no digits found", parts);
            if (parts.SkipWhile(part => part.Text == "").Any(part => part.Text == ""))
                return new Reading(text, null, 0, false, "a blank position between digits", parts);
            double sure = MeterWindow.Evenness(found);
            for (int i = 0; i < parts.Count; i++)
                sure *= parts[i].Confidence * (parts[i].Text == "" ? 1 : Math.Min(1, found[i].Score / MeterPositions.Sure));
            return MeterWindow.Judged(text, decimals, sure, Accept, parts);
        }

        /// <summary>What the small networks and the looks at the whole line say together: the more certain of both.</summary>
        internal static Reading Together(Image image, Reading own, List<double[][]> looks, int count, int decimals)
        {
            double certain, sure;
            string text = MeterLines.Likeliest(looks, count, out certain);
            if (0 < own.Text.Length && own.Text.Length < count) // displays leave out leading zeros
            {
                string shorter = MeterLines.Likeliest(looks, own.Text.Length, out sure);
                if (shorter == own.Text && sure > certain)
                {
                    text = shorter;
                    certain = sure;
                }
            }
            if (own.Text == "" && (text == "" || certain < Likely)) return own;
            bool same = own.Text == text, whole = text.Length == count;
            if (text == "" || (!same && own.Confidence > Math.Max(certain, count > 0 ? AloneTold : Alone)))
                return new Reading(own.Text, own.Value, Math.Min(own.Confidence, 1 - certain), false, own.Reason == "" ? "uncertain" : own.Reason, own.Parts);
            bool enough = certain >= (whole ? Told : NotTold);
            if (same) enough |= own.Accepted && certain >= Likely && (whole || (count > 0 && own.Confidence > Alone));
            else if (certain <= own.Confidence)
            {
                enough = false;
                certain = Math.Min(certain, 1 - own.Confidence);
            }
            string reason = own.Reason.StartsWith("these look") ? own.Reason : enough ? "" : "uncertain";
            if (decimals > text.Length) reason = "fewer digits than decimals";
            else if (enough && MeterLines.Overexposed(image)) reason = "so bright beside the digits that one may be lost";
            return new Reading(text, MeterWindow.Number(text, decimals), same ? Math.Max(certain, own.Confidence) : certain,
                enough && reason == "", reason, same ? own.Parts : null);
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
    }
}
