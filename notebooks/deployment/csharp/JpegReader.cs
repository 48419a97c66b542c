using System;

namespace OcrSharp
{
    /// <summary>JPEG files (ISO/IEC 10918-1), baseline and progressive, with 8 bits and Huffman codes.</summary>
    /// <remarks>
    /// Samples and colours are those of libjpeg-turbo to the last bit, so those of OpenCV. A picture of which a part is missing or
    /// can't be unpacked is refused whole; only the marker of the end may be missing.
    /// </remarks>
    internal sealed class JpegReader
    {
        private const int Padding = 16; // bytes that some cameras leave before a marker, besides zeros; more are a part of the picture
        private const int MostScans = 100; // ten are usual, and each may take as long as a whole picture

        private readonly byte[] content;
        private readonly int[][] steps = new int[4][];
        private readonly JpegHuffman[] tables = new JpegHuffman[8]; // four for means, four for changes
        private int place = 2, width, height, interval, scans, orientation, transform = -1;
        private bool progressive, plain; // plain: with the header of JFIF, so gray or YCbCr
        private JpegComponent[] components;

        private JpegReader(byte[] content)
        {
            this.content = content;
        }

        internal static bool Recognises(byte[] content)
        {
            return content.Length > 2 && content[0] == 0xFF && content[1] == 0xD8 && content[2] == 0xFF;
        }

        internal static Image Read(byte[] content)
        {
            JpegReader reader = new JpegReader(content);
            reader.ReadParts();
            return reader.Picture().Placed(Math.Max(1, reader.orientation));
        }

        private void ReadParts()
        {
            const int end = 0xD9;
            for (int marker = NextMarker(); marker != end; marker = NextMarker())
            {
                if (marker < 0)
                {
                    if (Whole()) return;
                    throw Damaged("it ends too early");
                }
                if (marker == 0x01) continue;
                int length = place + 2 <= content.Length ? content[place] << 8 | content[place + 1] : 0;
                if (length < 2 || place + length > content.Length) throw Damaged("it ends too early");
                int start = place + 2, stop = place = place + length;
                if (marker == 0xDA)
                {
                    ReadScan(start, stop);
                    if (!progressive && Whole()) return;
                }
                else if (marker == 0xDB) ReadSteps(start, stop);
                else if (marker == 0xC4) ReadTables(start, stop);
                else if (marker == 0xDD && stop - start >= 2) interval = content[start] << 8 | content[start + 1];
                else if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC8 && marker != 0xCC) ReadFrame(marker, start, stop);
                else if (marker == 0xE0 && Begins(start, stop, "JFIF\0")) plain = true;
                else if (marker == 0xE1 && orientation == 0 && Begins(start, stop, "Exif\0") && stop - start > 6)
                    orientation = Exif.Orientation(content, start + 6, stop);
                else if (marker == 0xEE && stop - start >= 12 && Begins(start, stop, "Adobe")) transform = content[start + 11];
                else if (marker == 0xCC) throw Unreadable("arithmetic coding");
                else if (marker == 0xF7) throw Unreadable("JPEG-LS coding");
                else if (marker < 0xC0 || (marker >= 0xD0 && marker <= 0xD8)) throw Damaged("a part of it stands in the wrong place");
            }
        }

        /// <summary>What follows FF; -1 at the end of the file.</summary>
        private int NextMarker()
        {
            SkipPadding();
            return place < content.Length ? content[place++] : -1;
        }

        /// <summary>Goes on to the last byte of the next marker, or to the end of the file.</summary>
        private void SkipPadding()
        {
            int start = place;
            while (place < content.Length && (content[place] == 0xFF || content[place] == 0 || content[place - 1] != 0xFF))
            {
                bool empty = content[place] == 0xFF || (content[place] == 0 && content[place - 1] != 0xFF);
                if (++place - start > Padding && !empty) throw Damaged("there are bytes that belong to nothing");
            }
        }

        private bool Begins(int start, int stop, string text)
        {
            if (stop - start < text.Length) return false;
            for (int i = 0; i < text.Length; i++)
                if (content[start + i] != text[i]) return false;
            return true;
        }

        private void ReadFrame(int marker, int start, int stop)
        {
            if (marker > 0xC8) throw Unreadable("arithmetic coding");
            if (marker > 0xC2) throw Unreadable(marker == 0xC3 ? "lossless coding" : "hierarchical coding");
            if (components != null) throw Damaged("it has two headers");
            int count = stop - start < 6 ? 0 : content[start + 5];
            if (stop - start != 6 + 3 * count || (count != 1 && count != 3 && count != 4)) throw Damaged("its header");
            if (content[start] != 8) throw Unreadable(content[start] + " bits");
            height = content[start + 1] << 8 | content[start + 2];
            width = content[start + 3] << 8 | content[start + 4];
            if (height == 0) throw Unreadable("its height at its end");
            Image.CheckedSize(width, height);
            int across = 1, down = 1;
            for (int i = start + 7; i < stop; i += 3)
            {
                int h = content[i] >> 4, v = content[i] & 15;
                if (h < 1 || h > 4 || v < 1 || v > 4 || content[i + 1] > 3) throw Damaged("its header");
                across = Math.Max(across, h);
                down = Math.Max(down, v);
            }
            components = new JpegComponent[count];
            long blocks = 0;
            for (int i = 0; i < count; i++)
            {
                int at = start + 6 + 3 * i;
                components[i] = new JpegComponent(content[at], content[at + 1], content[at + 2], across, down);
                components[i].SetSize(width, height);
                blocks += (long)components[i].BlocksAcross * components[i].BlocksDown;
            }
            if (blocks > 8L * content.Length) throw Damaged("it is too short for its size"); // a block is one bit at least
            progressive = marker == 0xC2;
        }

        private void ReadSteps(int start, int stop)
        {
            while (start < stop)
            {
                int kind = content[start++], bytes = kind < 16 ? 1 : 2;
                if ((kind & 15) > 3 || kind > 31 || start + 64 * bytes > stop) throw Damaged("a table of multipliers");
                int[] table = steps[kind & 15] = new int[64];
                for (int k = 0; k < 64; k++, start += bytes)
                    table[k] = bytes == 1 ? content[start] : content[start] << 8 | content[start + 1];
            }
        }

        private void ReadTables(int start, int stop)
        {
            while (start < stop)
            {
                int kind = content[start++], sum = 0;
                if ((kind & 15) > 3 || kind > 31 || start + 16 > stop) throw Damaged("a table of codes");
                byte[] counts = new byte[16];
                Array.Copy(content, start, counts, 0, 16);
                foreach (byte count in counts) sum += count;
                start += 16;
                if (sum > 256 || start + sum > stop) throw Damaged("a table of codes");
                byte[] values = new byte[sum];
                Array.Copy(content, start, values, 0, sum);
                start += sum;
                tables[kind >> 4 << 2 | kind & 15] = new JpegHuffman(counts, values);
            }
        }

        private void ReadScan(int start, int stop)
        {
            if (components == null) throw Damaged("it has no header");
            if (++scans > MostScans) throw new OcrException("the JPEG file has more than " + MostScans + " passes over the picture: save it anew");
            int count = stop > start ? content[start] : 0;
            if (count < 1 || count > components.Length || stop - start != 4 + 2 * count) throw Damaged("the header of a pass");
            int first = content[stop - 3], last = content[stop - 2], high = content[stop - 1] >> 4, low = content[stop - 1] & 15;
            if (!progressive)
            {
                first = high = low = 0;
                last = 63;
            }
            bool sound = first == 0 ? last == 0 || !progressive : first <= last && last < 64 && count == 1;
            if (!sound || low > 13 || (high > 0 && low != high - 1)) throw Damaged("the header of a pass");
            JpegComponent[] parts = new JpegComponent[count];
            JpegHuffman[] means = new JpegHuffman[count], changes = new JpegHuffman[count];
            for (int i = 0; i < count; i++)
            {
                int id = content[start + 1 + 2 * i], which = content[start + 2 + 2 * i];
                JpegComponent part = parts[i] = Array.Find(components, each => each.Id == id);
                if (part == null || Array.IndexOf(parts, part) < i || (which & 15) > 3 || which >> 4 > 3) throw Damaged("the header of a pass");
                means[i] = tables[which >> 4];
                changes[i] = tables[4 + (which & 15)];
                if ((first == 0 && high == 0 && means[i] == null) || (last > 0 && changes[i] == null)) throw Damaged("a table of codes is missing");
                part.Begin(steps[part.Table], progressive);
                for (int k = first; k <= last; k++)
                {
                    // each bit of each frequency comes once
                    if (part.Missing[k] != (high > 0 ? high : -1) || (k > 0 && part.Missing[0] < 0))
                        throw Damaged("its passes are not in order");
                    part.Missing[k] = low;
                }
            }
            JpegBits bits = new JpegBits(content, place);
            JpegScan scan = new JpegScan(bits, means, changes, progressive, first, last, low, high > 0);
            scan.Read(parts, interval, number =>
            {
                bits.Align();
                place = bits.Place;
                if (NextMarker() != 0xD0 + number % 8) throw Damaged("a part of the picture is missing");
                bits.MoveTo(place);
            });
            bits.Align();
            place = bits.Place;
            SkipPadding();
        }

        /// <summary>Whether every bit of the picture is there.</summary>
        private bool Whole()
        {
            return components != null && Array.TrueForAll(components, part => Array.TrueForAll(part.Missing, bits => bits == 0));
        }

        private Image Picture()
        {
            // frequencies may be left out on purpose, means may not
            if (components == null || Array.Exists(components, part => part.Missing[0] < 0)) throw Damaged("a part of the picture is missing");
            if (progressive)
                foreach (JpegComponent part in components) part.Finish();
            Image image = new Image(width, height);
            byte[][] rows = Array.ConvertAll(components, part => new byte[width + 1]);
            for (int y = 0; y < height; y++)
            {
                for (int c = 0; c < rows.Length; c++) components[c].Row(y, rows[c]);
                JpegColours.Write(rows, Meaning(), image.Pixels, 3 * y * width, width);
            }
            return image;
        }

        /// <summary>What the components are; what the file does not say, libjpeg guesses so.</summary>
        private JpegColours.Kind Meaning()
        {
            if (components.Length == 1) return JpegColours.Kind.Gray;
            if (components.Length == 4)
                return transform <= 0 ? JpegColours.Kind.Cmyk : JpegColours.Kind.Ycck;
            bool named = components[0].Id == 'R' && components[1].Id == 'G' && components[2].Id == 'B';
            return !plain && (transform == 0 || (transform < 0 && named)) ? JpegColours.Kind.Rgb : JpegColours.Kind.YCbCr;
        }

        private static OcrException Damaged(string what)
        {
            return new OcrException("the JPEG file is damaged: " + what);
        }

        private static OcrException Unreadable(string what)
        {
            return new OcrException("JPEG files with " + what + " can't be read: save it as an ordinary JPEG or a PNG file");
        }
    }
}
