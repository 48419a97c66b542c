namespace OcrSharp
{
    /// <summary>A Huffman table of a JPEG file (ISO/IEC 10918-1, annex C and F.2.2.3).</summary>
    internal sealed class JpegHuffman
    {
        private const int Short = 9; // codes up to this length are looked up at once

        private readonly byte[] values;
        private readonly int[] end = new int[17]; // of each length, the first code that is too large
        private readonly int[] shift = new int[17]; // from a code to the place of its value
        private readonly int[] quick = new int[1 << Short]; // length * 256 + value, 0 for long codes

        /// <param name="counts">How many codes there are of 1, 2, ... 16 bits.</param>
        /// <param name="values">What they stand for, short ones first.</param>
        internal JpegHuffman(byte[] counts, byte[] values)
        {
            this.values = values;
            int code = 0, place = 0;
            for (int length = 1; length <= 16; length++, code <<= 1)
            {
                shift[length] = place - code;
                for (int i = 0; i < counts[length - 1]; i++, code++, place++)
                    if (length <= Short)
                        for (int rest = 0; rest < 1 << Short - length && code < 1 << length; rest++)
                            quick[(code << Short - length) + rest] = length * 256 + values[place];
                end[length] = code;
                if (code > 1 << length) throw new OcrException("the JPEG file is damaged: a table has more codes than there can be");
            }
        }

        internal int Read(JpegBits bits)
        {
            int next = bits.Peek(), found = quick[next >> 16 - Short];
            if (found != 0)
            {
                bits.Skip(found >> 8);
                return found & 255;
            }
            for (int length = Short + 1; length <= 16; length++)
            {
                int code = next >> 16 - length;
                if (code >= end[length]) continue;
                bits.Skip(length);
                return values[code + shift[length]];
            }
            bits.Skip(16);
            throw new OcrException("the JPEG file is damaged: a code that is in no table");
        }
    }
}
