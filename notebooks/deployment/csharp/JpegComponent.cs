using System;

namespace OcrSharp
{
    /// <summary>One of the colours of a JPEG file: brightness, a difference of colours, or an ink.</summary>
    internal sealed class JpegComponent
    {
        /// <summary>From the order of the file, along diagonals, to rows (ISO/IEC 10918-1, figure A.6).</summary>
        private static readonly int[] zigzag = MakeZigzag();

        internal readonly int Id, Across, Down, Table; // Across x Down blocks belong to each unit of the file
        private readonly int mostAcross, mostDown; // of all components

        /// <summary>Samples that count; blocks that hold them; blocks of whole units.</summary>
        internal int Width, Height, BlocksAcross, BlocksDown, AllAcross, AllDown;

        /// <summary>The last mean value; each is written as the difference to the one before.</summary>
        internal int Last;

        /// <summary>How many low bits of each frequency are still to come; -1 where nothing of it has come.</summary>
        internal readonly int[] Missing = new int[64];

        private int[] steps; // by which frequencies are multiplied, in the order of the file
        private short[] frequencies; // of progressive files, 64 for each block, in the order of the file
        private byte[] samples;
        private readonly int[] block = new int[64];

        internal JpegComponent(int id, int factors, int table, int mostAcross, int mostDown)
        {
            Id = id;
            Across = factors >> 4;
            Down = factors & 15;
            Table = table;
            this.mostAcross = mostAcross;
            this.mostDown = mostDown;
            for (int i = 0; i < 64; i++) Missing[i] = -1;
        }

        internal void SetSize(int width, int height)
        {
            Width = Parts(width * Across, mostAcross);
            Height = Parts(height * Down, mostDown);
            BlocksAcross = Parts(Width, 8);
            BlocksDown = Parts(Height, 8);
            AllAcross = Parts(width, 8 * mostAcross) * Across;
            AllDown = Parts(height, 8 * mostDown) * Down;
        }

        /// <summary>Makes room, and keeps the multipliers that hold when the component is first met.</summary>
        internal void Begin(int[] steps, bool progressive)
        {
            if (this.steps != null) return;
            if (steps == null) throw new OcrException("the JPEG file is damaged: a table of multipliers is missing");
            this.steps = steps;
            if (progressive) frequencies = new short[64 * AllAcross * AllDown];
            else samples = new byte[64 * AllAcross * AllDown];
        }

        /// <summary>The frequencies of all blocks, of which number n begins at 64 n.</summary>
        internal short[] Frequencies
        {
            get { return frequencies; }
        }

        /// <summary>Turns all frequencies of a progressive file into samples.</summary>
        internal void Finish()
        {
            samples = new byte[frequencies.Length];
            int[] values = new int[64];
            for (int number = 0; number < AllAcross * AllDown; number++)
            {
                for (int k = 0; k < 64; k++) values[k] = frequencies[64 * number + k];
                SetBlock(number, values);
            }
            frequencies = null;
        }

        /// <summary>Turns the frequencies of one block, in the order of the file, into samples.</summary>
        internal void SetBlock(int number, int[] values)
        {
            for (int k = 0; k < 64; k++) block[zigzag[k]] = values[k] * steps[k];
            JpegTransform.Write(block, samples, 64 * AllAcross * (number / AllAcross) + 8 * (number % AllAcross), 8 * AllAcross);
        }

        /// <summary>A row of the picture in full width.</summary>
        /// <remarks>
        /// Where there is one sample for two pixels, 3/4 of the nearer and 1/4 of the farther sample are taken, across, down,
        /// or both, rounded up and down in turn; all else is repeated. These are the rules of libjpeg-turbo (jdsample.c).
        /// </remarks>
        internal void Row(int y, byte[] row)
        {
            bool wide = 2 * Across == mostAcross, tall = 2 * Down == mostDown;
            bool smooth = (wide ? Width > 2 : Across == mostAcross) && (tall || Down == mostDown) && (wide || tall);
            int stride = 8 * AllAcross, here = stride * (y * Down / mostDown);
            if (!smooth)
            {
                if (Across == mostAcross) Buffer.BlockCopy(samples, here, row, 0, Width);
                else
                    for (int x = 0; x < row.Length; x++) row[x] = samples[here + Math.Min(Width - 1, x * Across / mostAcross)];
                return;
            }
            int other = tall ? stride * Math.Max(0, Math.Min(Height - 1, y / 2 + (y % 2 == 0 ? -1 : 1))) : here;
            if (!wide)
            {
                int half = y % 2 == 0 ? 1 : 2;
                for (int x = 0; x < Width; x++) row[x] = (byte)(3 * samples[here + x] + samples[other + x] + half >> 2);
                return;
            }
            int shift = tall ? 4 : 2, first = tall ? 8 : 1, second = tall ? 7 : 2, near = tall ? 3 : 1, far = tall ? 1 : 0;
            int left = near * samples[here] + far * samples[other], middle = left;
            for (int x = 0; x < Width; x++)
            {
                int next = Math.Min(x + 1, Width - 1), right = near * samples[here + next] + far * samples[other + next];
                row[2 * x] = (byte)(3 * middle + left + first >> shift);
                row[2 * x + 1] = (byte)(3 * middle + right + second >> shift);
                left = middle;
                middle = right;
            }
        }

        private static int Parts(int whole, int part)
        {
            return (whole + part - 1) / part;
        }

        private static int[] MakeZigzag()
        {
            int[] order = new int[64];
            for (int k = 0, sum = 0; sum < 15; sum++) // of row and column
                for (int i = Math.Max(0, sum - 7); i <= Math.Min(sum, 7); i++)
                    order[k++] = sum % 2 == 0 ? 8 * (sum - i) + i : 8 * i + sum - i;
            return order;
        }
    }
}
