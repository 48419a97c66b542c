using System;

namespace OcrSharp
{
    /// <summary>A picture: three bytes for each pixel, blue, green, red, row by row from the top.</summary>
    public sealed class Image
    {
        /// <summary>Pixels of a picture; larger ones are refused before they are decoded.</summary>
        public const int Largest = 40000000;

        /// <summary>Size in pixels.</summary>
        public readonly int Width, Height;

        /// <summary>Blue, green, red of the first pixel, of the second one, ...</summary>
        public readonly byte[] Pixels;

        /// <summary>A black picture.</summary>
        public Image(int width, int height) : this(width, height, new byte[checked(3 * CheckedSize(width, height))]) { }

        /// <summary>A picture from its bytes.</summary>
        public Image(int width, int height, byte[] pixels)
        {
            if (pixels.Length != 3 * CheckedSize(width, height))
                throw new OcrException("a picture of " + width + " x " + height + " has three bytes for each pixel, not " +
                    pixels.Length + " in all");
            Width = width;
            Height = height;
            Pixels = pixels;
        }

        /// <summary>The number of pixels of a size, or an exception if nobody should make room for so many.</summary>
        public static int CheckedSize(long width, long height)
        {
            if (width < 1 || height < 1)
                throw new OcrException("the picture is empty: " + width + " x " + height + " pixels");
            if (width > Largest || height > Largest || width * height > Largest)
                throw new OcrException("the picture has " + width + " x " + height + " pixels, more than " + Largest + ": make it smaller");
            return (int)(width * height);
        }

        /// <summary>The rows from one to before another.</summary>
        public Image Rows(int top, int bottom)
        {
            Image rows = new Image(Width, bottom - top);
            Buffer.BlockCopy(Pixels, 3 * Width * top, rows.Pixels, 0, rows.Pixels.Length);
            return rows;
        }

        /// <summary>The picture turned by 90 degrees, counterclockwise.</summary>
        public Image TurnedLeft()
        {
            Image turned = new Image(Height, Width);
            for (int y = 0; y < Height; y++)
                for (int x = 0; x < Width; x++)
                    Array.Copy(Pixels, 3 * (y * Width + x), turned.Pixels, 3 * ((Width - 1 - x) * Height + y), 3);
            return turned;
        }

        /// <summary>The picture turned by 180 degrees.</summary>
        public Image HeadOver()
        {
            Image turned = new Image(Width, Height);
            for (int i = 0, count = Width * Height; i < count; i++)
                Array.Copy(Pixels, 3 * i, turned.Pixels, 3 * (count - 1 - i), 3);
            return turned;
        }
    }
}
