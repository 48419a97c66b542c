using System;

namespace OcrSharp
{
    /// <summary>Binary PPM and PGM files, the simplest formats there are.</summary>
    internal static class PpmReader
    {
        internal static bool Recognises(byte[] content)
        {
            return content.Length > 2 && content[0] == 'P' && (content[1] == '6' || content[1] == '5');
        }

        internal static Image Read(byte[] content)
        {
            int place = 2;
            long width = Number(content, ref place), height = Number(content, ref place), most = Number(content, ref place);
            place++; // a single blank ends the header
            if (most != 255) throw new OcrException("only PPM files with values up to 255 can be read, this one has " + most);
            int count = Image.CheckedSize(width, height), channels = content[1] == '6' ? 3 : 1;
            if (content.Length - place < (long)channels * count) throw new OcrException("the PPM file ends too early");
            Image image = new Image((int)width, (int)height);
            for (int i = 0; i < count; i++)
                for (int c = 0; c < 3; c++)
                    image.Pixels[3 * i + 2 - c] = content[place + channels * i + (channels == 3 ? c : 0)];
            return image;
        }

        private static long Number(byte[] content, ref int place)
        {
            while (place < content.Length && (content[place] <= ' ' || content[place] == '#'))
            {
                if (content[place] == '#') // a comment lasts to the end of its line
                    while (place < content.Length && content[place] != '\n') place++;
                else
                    place++;
            }
            long number = 0;
            int start = place;
            for (; place < content.Length && content[place] >= '0' && content[place] <= '9' && place - start < 9; place++)
                number = 10 * number + content[place] - '0';
            if (place == start) throw new OcrException("the header of the PPM file is damaged");
            return number;
        }
    }
}
