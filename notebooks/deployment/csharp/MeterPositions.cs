using System;
using System.Collections.Generic;
using System.Linq;

namespace OcrSharp
{
    /// <summary>Finds the digits in the window of a meter. The rules are those of ocrbook.meters.positions.</summary>
    internal sealed class MeterPositions
    {
        internal const int Most = 12;
        private const int Height = 48, Widest = 640, Column = 4;
        private const int Beside = 32; // columns of zeros to the right, as in training
        internal const double Seen = 0.3, Sure = 0.5; // of a middle, to be one, and for no doubt to be left
        private const double Faint = 0.06;
        private const double Clearly = 0.7; // how far what is seen must look like the other kind to contradict
        private const double Crowded = 0.68; // below this share of the usual distance, not both are digits
        private const double Edge = 0.1; // how far inside the window a middle lies at least, in widths
        private const double Narrow = 0.21, Left = 0.25, Taller = 0.9; // see Find

        private readonly MeterNetworks networks;

        internal MeterPositions(MeterNetworks networks)
        {
            this.networks = networks;
        }

        /// <summary>The positions from the left to the right, in pixels of the window.</summary>
        /// <param name="count">How many there are; 0 finds out.</param>
        /// <remarks>Narrow ones are looked for again in their rows alone, as long as these are less than the window.</remarks>
        /// <param name="drum">Whether they are drums; changed if they plainly look like the other kind.</param>
        internal List<Position> Find(Image image, int count, ref bool drum)
        {
            bool told = drum;
            List<Position> found = FindOnce(image, count, ref drum);
            if (found.Count == 0 || found[0].Width >= Narrow * image.Height) return found;
            double room = Left * Counter.Median(found.Select(each => each.Height).ToList(), found.Count);
            int top = Math.Max(0, (int)(found.Min(each => each.Y - each.Height / 2) - room));
            int bottom = (int)Math.Ceiling(found.Max(each => each.Y + each.Height / 2) + room);
            if (bottom - top >= Taller * image.Height) return found;
            List<Position> closer = FindOnce(image.Rows(top, Math.Min(bottom, image.Height)), count, ref told);
            if (closer.Count == 0) return found;
            foreach (Position each in closer) each.Y += top;
            drum = told;
            return closer;
        }

        private List<Position> FindOnce(Image image, int count, ref bool drum)
        {
            double scale = Math.Min((double)Height / image.Height, (double)Widest / image.Width);
            int width = Math.Max(1, (int)Math.Round(image.Width * scale)), height = Math.Max(1, (int)Math.Round(image.Height * scale));
            Image fitted = scale < 1 ? Sampling.Area(image, width, height) : Resize.Linear(image, width, height);
            int wide = (width + Column - 1) / Column * Column + Beside;
            Tensor input = new Tensor(1, 3, Height, wide);
            MeterNetworks.Normalize(fitted, input, 0, wide, true);
            Tensor maps = networks.Run("positions", input);
            double[] heat = new double[maps.Shape[2]];
            for (int i = 0; i < heat.Length; i++) heat[i] = 1 / (1 + Math.Exp(-maps.Data[i]));
            // where it is known how many drums there are, faint ones count: a drum always shows something
            double looks = Looks(maps, heat);
            if (Math.Abs(looks) > Clearly) drum = looks < 0;
            bool weak = count > 0 && drum;
            List<Position> found = Apart(Peaks(maps, heat, weak ? Faint : Seen), width);
            if (found.Count == 0) return found;
            List<Position> plain = WithoutStrangers(found.FindAll(each => each.Score >= (weak ? Sure : Seen)));
            FillGaps(plain);
            if (count == 0 || plain.Count > count)
            {
                found = plain;
                if (count == 0) NothingBeside(found, heat);
            }
            else
            {
                found = Regular(weak ? found : plain, count);
                if (found.Count >= 2 && found.Count < count) found = Filled(found, count, width, weak ? null : heat);
            }
            Straighten(found);
            foreach (Position each in found)
            {
                each.X /= scale;
                each.Y /= scale;
                each.Width /= scale;
                each.Height /= scale;
            }
            return found;
        }

        /// <summary>From -1, drums, to 1, a display.</summary>
        private static double Looks(Tensor maps, double[] heat)
        {
            double sum = 0;
            for (int i = 0; i < heat.Length; i++) sum += heat[i] * Math.Tanh(maps.Data[4 * heat.Length + i]);
            return sum / heat.Sum();
        }

        private static List<Position> Peaks(Tensor maps, double[] heat, double least)
        {
            List<Position> peaks = new List<Position>();
            for (int i = 0; i < heat.Length; i++)
            {
                double left = i > 0 ? heat[i - 1] : 0, right = i + 1 < heat.Length ? heat[i + 1] : 0;
                if (heat[i] < left || heat[i] <= right || heat[i] < least) continue;
                double all = left * left + heat[i] * heat[i] + right * right;
                peaks.Add(new Position
                {
                    X = (i + (right * right - left * left) / all) * Column + Column / 2.0,
                    Width = Height * Math.Exp(Math.Max(-4, Math.Min(2, maps.Data[heat.Length + i]))),
                    Height = Height * Math.Exp(Math.Max(-4, Math.Min(1, maps.Data[2 * heat.Length + i]))),
                    Y = Height * (0.5 + maps.Data[3 * heat.Length + i]),
                    Score = heat[i]
                });
            }
            return peaks;
        }

        /// <summary>The most certain ones that do not overlap and lie inside, `Most` of them, from the left to the right.</summary>
        private static List<Position> Apart(List<Position> peaks, int width)
        {
            List<Position> kept = new List<Position>();
            foreach (Position each in peaks.OrderByDescending(peak => peak.Score))
            {
                if (each.X <= Edge * each.Width || each.X >= width - Edge * each.Width) continue;
                if (kept.All(other => Math.Abs(each.X - other.X) > 0.7 * Math.Min(each.Width, other.Width))) kept.Add(each);
            }
            return kept.Take(Most).OrderBy(each => each.X).ToList();
        }

        /// <summary>The `count` candidates that stand most evenly and are most certain.</summary>
        private static List<Position> Regular(List<Position> candidates, int count)
        {
            if (candidates.Count <= count) return candidates;
            List<Position> best = candidates.GetRange(0, count);
            double most = double.MinValue;
            for (int start = 0; start <= candidates.Count - count; start++)
                for (int end = start + count - 1; end < candidates.Count; end++)
                {
                    double first = candidates[start].X, step = count > 1 ? (candidates[end].X - first) / (count - 1) : 0, uneven = 0;
                    List<Position> picked = new List<Position>();
                    for (int i = 0; i < count; i++)
                    {
                        double wanted = first + i * step;
                        Position nearest = candidates.OrderBy(each => Math.Abs(each.X - wanted)).First();
                        if (!picked.Contains(nearest)) picked.Add(nearest);
                        uneven += Math.Abs(nearest.X - wanted) / count / Math.Max(1, step);
                    }
                    double value = picked.Sum(each => each.Score) - 3 * uneven;
                    if (picked.Count < count || value <= most) continue;
                    most = value;
                    best = picked;
                }
            return best;
        }

        /// <summary>Positions in gaps and at the ends until there are `count`; as sure as the heat, or half sure.</summary>
        private static List<Position> Filled(List<Position> found, int count, int width, double[] heat)
        {
            double[] gaps = Gaps(found);
            double usual = Counter.Median(gaps, gaps.Length), pitch = gaps.Where(gap => gap < 1.5 * usual).Average();
            List<double> places = new List<double>(found.Select(each => each.X));
            for (int i = 0; i < gaps.Length; i++)
            {
                int missing = (int)Math.Round(gaps[i] / pitch) - 1;
                for (int k = 1; k <= missing; k++) places.Add(found[i].X + k * gaps[i] / (missing + 1));
            }
            places.Sort();
            while (places.Count < count) // displays leave out leading zeros: to the left first, as long as there is room
            {
                double first = places[0], last = places[places.Count - 1];
                if (first - pitch > 0.3 * pitch || last + pitch > width - 0.3 * pitch) places.Insert(0, first - pitch);
                else places.Add(last + pitch);
            }
            List<Position> filled = new List<Position>();
            foreach (double place in places.Skip(places.Count - count))
            {
                Position nearest = found.OrderBy(each => Math.Abs(each.X - place)).First(), one = nearest.Copy();
                if (Math.Abs(place - nearest.X) >= 0.3 * pitch) one.Score = heat == null ? Sure / 2 : HeatNear(heat, place);
                one.X = place;
                filled.Add(one);
            }
            return filled;
        }

        /// <summary>The highest heat within a column of a place; none outside the window.</summary>
        private static double HeatNear(double[] heat, double place)
        {
            int column = (int)Math.Round(place / Column - 0.5);
            return heat.Where((each, i) => Math.Abs(i - column) <= 1).DefaultIfEmpty(0).Max();
        }

        /// <summary>Without what is too near to the next, edges, and what is smaller or apart at an end, units and signs.</summary>
        private static List<Position> WithoutStrangers(List<Position> found)
        {
            while (found.Count > 3)
            {
                double[] gaps = Gaps(found);
                double pitch = Counter.Median(gaps, gaps.Length), tall = Counter.Median(found.Select(each => each.Height).ToList(), found.Count);
                int last = found.Count - 1, near = Array.IndexOf(gaps, gaps.Min());
                if (gaps[near] < Crowded * pitch) found.RemoveAt(found[near + 1].Score < found[near].Score ? near + 1 : near);
                else if (IsStranger(found[last], gaps[last - 1], pitch, tall)) found.RemoveAt(last);
                else if (IsStranger(found[0], gaps[0], pitch, tall)) found.RemoveAt(0);
                else break;
            }
            return found;
        }

        private static bool IsStranger(Position end, double gap, double pitch, double tall)
        {
            double apart = Math.Min(Math.Abs(gap / pitch - 1), Math.Abs(gap / (2 * pitch) - 1) + 0.1), lower = end.Height / tall;
            bool small = lower < 0.6 || (lower < 0.8 && apart > 0.15);
            return (small && end.Score < 0.9) || (apart > 0.4 && end.Score < 0.65);
        }

        /// <summary>Adds one where a gap is twice as wide as the others.</summary>
        private static void FillGaps(List<Position> found)
        {
            if (found.Count < 3) return;
            double[] gaps = Gaps(found);
            double pitch = Counter.Median(gaps, gaps.Length);
            List<Position> more = new List<Position>();
            for (int i = 0; i < gaps.Length; i++)
            {
                if (gaps[i] <= 1.6 * pitch || gaps[i] >= 2.4 * pitch) continue;
                Position a = found[i], b = found[i + 1];
                more.Add(new Position
                {
                    X = (a.X + b.X) / 2, Y = (a.Y + b.Y) / 2, Width = (a.Width + b.Width) / 2,
                    Height = (a.Height + b.Height) / 2, Score = 0.9 * (a.Score + b.Score) / 2
                });
            }
            if (found.Count + more.Count > Most) return;
            found.AddRange(more);
            found.Sort((one, other) => one.X.CompareTo(other.X));
        }

        /// <summary>Lowers the score of the first and the last one, the more it seems that another one stands beside it.</summary>
        private static void NothingBeside(List<Position> found, double[] heat)
        {
            if (found.Count < 2) return;
            double[] gaps = Gaps(found);
            double pitch = Counter.Median(gaps, gaps.Length);
            Position first = found[0], last = found[found.Count - 1];
            first.Score *= Emptiness(heat, first.X - pitch, pitch);
            last.Score *= Emptiness(heat, last.X + pitch, pitch);
        }

        private static double Emptiness(double[] heat, double place, double pitch)
        {
            int low = Clipped(place - 0.3 * pitch, heat.Length), high = Clipped(place + 0.3 * pitch, heat.Length);
            double most = 0;
            for (int i = low; i <= Math.Min(high, heat.Length - 1); i++) most = Math.Max(most, heat[i]);
            return Math.Max(0, 1 - 1.5 * most);
        }

        private static int Clipped(double place, int length)
        {
            return (int)Math.Max(0, Math.Min(length, (place - Column / 2.0) / Column));
        }

        /// <summary>Digits stand in a row and are equally large; small decimals may be lower.</summary>
        private static void Straighten(List<Position> found)
        {
            double wide = Counter.Median(found.Select(each => each.Width).ToList(), found.Count);
            double tall = Counter.Median(found.Select(each => each.Height).ToList(), found.Count);
            foreach (Position each in found) each.Width = wide;
            if (found.Count <= 2) return;
            List<double> slopes = new List<double>(); // the line that most pairs agree on (Theil, 1950; Sen, 1968)
            for (int a = 0; a < found.Count; a++)
                for (int b = a + 1; b < found.Count; b++) slopes.Add((found[a].Y - found[b].Y) / (found[a].X - found[b].X));
            double slope = Counter.Median(slopes, slopes.Count);
            double level = Counter.Median(found.Select(each => each.Y - slope * each.X).ToList(), found.Count);
            foreach (Position each in found)
            {
                each.Y = level + slope * each.X;
                each.Height = each.Height < 0.85 * tall ? Math.Max(each.Height, 0.6 * tall) : tall;
            }
        }

        private static double[] Gaps(List<Position> found)
        {
            double[] gaps = new double[found.Count - 1];
            for (int i = 0; i < gaps.Length; i++) gaps[i] = found[i + 1].X - found[i].X;
            return gaps;
        }
    }
}
