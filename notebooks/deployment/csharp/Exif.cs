namespace OcrSharp
{
    /// <summary>How a camera was held, from the EXIF data of a picture.</summary>
    internal static class Exif
    {
        /// <summary>1 to 8, as in Image.Placed; 1 where nothing sound is said.</summary>
        /// <param name="content">The file.</param>
        /// <param name="start">Where the data begin, with II or MM.</param>
        /// <param name="stop">Where they end.</param>
        internal static int Orientation(byte[] content, int start, int stop)
        {
            if (stop - start < 8) return 1;
            bool little = content[start] == 'I' && content[start + 1] == 'I';
            if (!little && (content[start] != 'M' || content[start + 1] != 'M')) return 1;
            if (Number(content, start + 2, 2, little) != 42) return 1;
            long place = start + Number(content, start + 4, 4, little);
            if (place + 2 > stop) return 1;
            long count = Number(content, place, 2, little);
            place += 2;
            for (; count > 0 && place + 12 <= stop; count--, place += 12)
            {
                const int tag = 0x112, shortNumber = 3;
                if (Number(content, place, 2, little) != tag) continue;
                long value = Number(content, place + 8, 2, little);
                bool sound = Number(content, place + 2, 2, little) == shortNumber && Number(content, place + 4, 4, little) == 1;
                return sound && value >= 1 && value <= 8 ? (int)value : 1;
            }
            return 1;
        }

        private static long Number(byte[] content, long place, int bytes, bool little)
        {
            long number = 0;
            for (int i = 0; i < bytes; i++) number = number << 8 | content[place + (little ? bytes - 1 - i : i)];
            return number;
        }
    }
}
