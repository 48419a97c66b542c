namespace OcrSharp
{
    /// <summary>The bits between two markers of a JPEG file (ISO/IEC 10918-1, F.2.2.5), the highest of each byte first.</summary>
    internal sealed class JpegBits
    {
        private readonly byte[] content;
        private uint buffer; // its lowest `count` bits are the next ones
        private int count;

        /// <summary>Where the next byte is.</summary>
        internal int Place { get; private set; }

        internal JpegBits(byte[] content, int place)
        {
            this.content = content;
            Place = place;
        }

        /// <summary>The next 16 bits, zeros where no more are there.</summary>
        internal int Peek()
        {
            while (count <= 16 && Next()) { }
            return (int)(count >= 16 ? buffer >> count - 16 : buffer << 16 - count) & 0xFFFF;
        }

        internal void Skip(int bits)
        {
            if (bits > count) throw new OcrException("the JPEG file is damaged: a part of the picture is missing");
            count -= bits;
        }

        internal int Read(int bits)
        {
            int value = Peek() >> 16 - bits;
            Skip(bits);
            return value;
        }

        /// <summary>A number of so many bits; the lower half of the values stands for negative numbers (F.12).</summary>
        internal int ReadSigned(int bits)
        {
            int value = Read(bits);
            return bits > 0 && value < 1 << bits - 1 ? value - (1 << bits) + 1 : value;
        }

        /// <summary>Forgets what is left of the last byte, and gives whole bytes back.</summary>
        internal void Align()
        {
            for (; count >= 8; count -= 8)
                do Place--;
                while (content[Place] == 0 && content[Place - 1] == 0xFF);
            count = 0;
        }

        /// <summary>Goes on at another place.</summary>
        internal void MoveTo(int place)
        {
            Place = place;
            count = 0;
        }

        /// <summary>Adds a byte; false at a marker, or at the end.</summary>
        private bool Next()
        {
            if (Place >= content.Length) return false;
            int value = content[Place];
            if (value == 0xFF)
            {
                int after = Place + 1;
                while (after < content.Length && content[after] == 0xFF) after++;
                if (after >= content.Length || content[after] != 0) return false;
                Place = after; // a zero says that FF is no marker
            }
            Place++;
            buffer = buffer << 8 | (uint)value;
            count += 8;
            return true;
        }
    }
}
