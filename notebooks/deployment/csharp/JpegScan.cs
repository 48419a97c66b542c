using System;

namespace OcrSharp
{
    /// <summary>One pass of a JPEG file over some of its components (ISO/IEC 10918-1, annexes F and G).</summary>
    internal sealed class JpegScan
    {
        private readonly JpegBits bits;
        private readonly JpegHuffman[] means, changes; // for each component
        private readonly int first, last, low; // of the frequencies, and how many low bits of them are left for later
        private readonly Action<JpegComponent, int, int> read;
        private readonly int[] values = new int[64];
        private int emptyBlocks; // that follow, see FirstChanges

        /// <param name="progressive">Whether frequencies come in several passes.</param>
        /// <param name="refines">Whether it brings one more bit of what is known.</param>
        internal JpegScan(JpegBits bits, JpegHuffman[] means, JpegHuffman[] changes, bool progressive, int first, int last, int low, bool refines)
        {
            this.bits = bits;
            this.means = means;
            this.changes = changes;
            this.first = first;
            this.last = last;
            this.low = low;
            if (!progressive) read = Whole;
            else if (first == 0) read = refines ? (Action<JpegComponent, int, int>)MoreOfMean : FirstMean;
            else read = refines ? (Action<JpegComponent, int, int>)MoreOfChanges : FirstChanges;
        }

        /// <summary>Reads all units; those of one component alone are single blocks.</summary>
        /// <param name="interval">After so many units everything starts anew; 0 for never.</param>
        /// <param name="restart">Called with the number of the new start.</param>
        internal void Read(JpegComponent[] parts, int interval, Action<int> restart)
        {
            bool alone = parts.Length == 1;
            int across = alone ? parts[0].BlocksAcross : parts[0].AllAcross / parts[0].Across;
            int down = alone ? parts[0].BlocksDown : parts[0].AllDown / parts[0].Down;
            for (int unit = 0; unit < across * down; unit++)
            {
                if (unit == 0 || (interval > 0 && unit % interval == 0))
                {
                    if (unit > 0) restart(unit / interval - 1);
                    foreach (JpegComponent part in parts) part.Last = 0;
                    emptyBlocks = 0;
                }
                int x = unit % across, y = unit / across;
                for (int i = 0; i < parts.Length; i++)
                {
                    JpegComponent part = parts[i];
                    if (alone) read(part, 0, y * part.AllAcross + x);
                    else
                        for (int v = 0; v < part.Down; v++)
                            for (int u = 0; u < part.Across; u++)
                                read(part, i, (y * part.Down + v) * part.AllAcross + x * part.Across + u);
                }
            }
        }

        private int Mean(JpegComponent part, int i)
        {
            int size = means[i].Read(bits);
            if (size > 15) throw Damaged();
            return part.Last += bits.ReadSigned(size);
        }

        private void Whole(JpegComponent part, int i, int number)
        {
            Array.Clear(values, 0, 64);
            values[0] = Mean(part, i);
            for (int k = 1; k < 64; k++)
            {
                int code = changes[i].Read(bits), size = code & 15;
                if (size == 0 && code >> 4 < 15) break;
                k += code >> 4;
                if (k > 63) throw Damaged();
                values[k] = bits.ReadSigned(size);
            }
            part.SetBlock(number, values);
        }

        private void FirstMean(JpegComponent part, int i, int number)
        {
            part.Frequencies[64 * number] = (short)(Mean(part, i) << low);
        }

        private void MoreOfMean(JpegComponent part, int i, int number)
        {
            part.Frequencies[64 * number] |= (short)(bits.Read(1) << low);
        }

        private void FirstChanges(JpegComponent part, int i, int number)
        {
            if (emptyBlocks > 0)
            {
                emptyBlocks--;
                return;
            }
            for (int k = first; k <= last; k++)
            {
                int code = changes[i].Read(bits), zeros = code >> 4, size = code & 15;
                if (size == 0 && zeros < 15)
                {
                    emptyBlocks = (1 << zeros) - 1 + bits.Read(zeros);
                    return;
                }
                k += zeros;
                if (k > last) throw Damaged();
                part.Frequencies[64 * number + k] = (short)(bits.ReadSigned(size) << low);
            }
        }

        /// <summary>One more bit for each frequency that is not zero; new ones come in between.</summary>
        private void MoreOfChanges(JpegComponent part, int i, int number)
        {
            short[] all = part.Frequencies;
            int k = 64 * number + first, end = 64 * number + last;
            while (emptyBlocks == 0 && k <= end)
            {
                int code = changes[i].Read(bits), zeros = code >> 4, size = code & 15, value = 0;
                if (size > 1) throw Damaged();
                if (size == 1) value = bits.Read(1) == 1 ? 1 << low : -1 << low;
                else if (zeros < 15)
                {
                    emptyBlocks = (1 << zeros) + bits.Read(zeros);
                    break;
                }
                for (; k <= end; k++)
                {
                    if (all[k] != 0) Refine(all, k);
                    else if (zeros-- == 0) break;
                }
                if (k > end && size > 0) throw Damaged();
                if (k <= end) all[k++] = (short)value;
            }
            if (emptyBlocks == 0) return;
            for (; k <= end; k++)
                if (all[k] != 0) Refine(all, k);
            emptyBlocks--;
        }

        private void Refine(short[] all, int k)
        {
            if (bits.Read(1) == 1) all[k] += (short)(all[k] > 0 ? 1 << low : -1 << low);
        }

        private static OcrException Damaged()
        {
            return new OcrException("the JPEG file is damaged: a code that can't stand there");
        }
    }
}
