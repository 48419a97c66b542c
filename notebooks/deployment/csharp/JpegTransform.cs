using System;

namespace OcrSharp
{
    /// <summary>From the 64 frequencies of a block to its 8 x 8 samples, with the whole numbers of libjpeg.</summary>
    /// <remarks>
    /// The algorithm is that of Loeffler, Ligtenberg and Moschytz (Practical Fast 1-D DCT Algorithms with 11 Multiplications,
    /// 1989). The factors have 13 bits and two more bits are kept between rows and columns, as libjpeg's "accurate integer"
    /// method has it, which OpenCV and Pillow use: so the same samples come out.
    /// </remarks>
    internal static class JpegTransform
    {
        private const int Bits = 13, Kept = 2;

        /// <param name="block">The frequencies, row by row; it is changed.</param>
        /// <param name="samples">Where the block is written.</param>
        /// <param name="at">The place of its first sample.</param>
        /// <param name="row">How many samples a row has.</param>
        internal static void Write(int[] block, byte[] samples, int at, int row)
        {
            for (int x = 0; x < 8; x++) Pass(block, x, 8, Bits - Kept);
            for (int y = 0; y < 8; y++)
            {
                Pass(block, 8 * y, 1, Bits + Kept + 3);
                for (int x = 0; x < 8; x++)
                {
                    int value = block[8 * y + x] + 128;
                    samples[at + y * row + x] = (byte)(value < 0 ? 0 : value > 255 ? 255 : value);
                }
            }
        }

        /// <summary>One column, or one row.</summary>
        private static void Pass(int[] b, int at, int step, int shift)
        {
            int i1 = at + step, i2 = i1 + step, i3 = i2 + step, i4 = i3 + step, i5 = i4 + step, i6 = i5 + step, i7 = i6 + step;
            int half = 1 << shift - 1;
            if ((b[i1] | b[i2] | b[i3] | b[i4] | b[i5] | b[i6] | b[i7]) == 0)
            {
                b[at] = b[i1] = b[i2] = b[i3] = b[i4] = b[i5] = b[i6] = b[i7] = (b[at] << Bits) + half >> shift;
                return;
            }
            int both = (b[i2] + b[i6]) * 4433; // 0.541196100
            int low = both - b[i6] * 15137, high = both + b[i2] * 6270; // 1.847759065, 0.765366865
            int sum = b[at] + b[i4] << Bits, difference = b[at] - b[i4] << Bits;
            int even0 = sum + high + half, even3 = sum - high + half, even1 = difference + low + half, even2 = difference - low + half;

            int all = (b[i7] + b[i3] + b[i5] + b[i1]) * 9633; // 1.175875602
            int outer = (b[i7] + b[i1]) * -7373, inner = (b[i5] + b[i3]) * -20995; // 0.899976223, 2.562915447
            int left = (b[i7] + b[i3]) * -16069 + all, right = (b[i5] + b[i1]) * -3196 + all; // 1.961570560, 0.390180644
            int odd3 = b[i7] * 2446 + outer + left; // 0.298631336
            int odd2 = b[i5] * 16819 + inner + right; // 2.053119869
            int odd1 = b[i3] * 25172 + inner + left; // 3.072711026
            int odd0 = b[i1] * 12299 + outer + right; // 1.501321110

            b[at] = even0 + odd0 >> shift;
            b[i7] = even0 - odd0 >> shift;
            b[i1] = even1 + odd1 >> shift;
            b[i6] = even1 - odd1 >> shift;
            b[i2] = even2 + odd2 >> shift;
            b[i5] = even2 - odd2 >> shift;
            b[i3] = even3 + odd3 >> shift;
            b[i4] = even3 - odd3 >> shift;
        }
    }
}
