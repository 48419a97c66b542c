using System;

namespace OcrSharp
{
    /// <summary>A picture: three bytes for each pixel, blue, green, red, row by row from the top.</summary>
    public sealed class Image
    {
        /// <summary>Pixels of a picture, and of its longer side; larger ones are refused before they are decoded.</summary>
        public const int Largest = 40000000, Longest = 65535;

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
            if (width > Longest || height > Longest || width * height > Largest)
                throw new OcrException("the picture has " + width + " x " + height + " pixels: make it smaller, at most " + Largest +
                    " in all and " + Longest + " a side");
            return (int)(width * height);
        }

        /// <summary>The rows from one to before another.</summary>
        public Image Rows(int top, int bottom)
        {
            Image rows = new Image(Width, bottom - top);
            Buffer.BlockCopy(Pixels, 3 * Width * top, rows.Pixels, 0, rows.Pixels.Length);
            return rows;
        }

        /// <summary>The picture, turned as the orientation in EXIF data says.</summary>
        /// <param name="orientation">
        /// 1 as it is, 2 mirrored, 3 turned by 180 degrees, 4 upside down, 5 rows become columns, 6 turned clockwise, 7 rows
        /// become columns from the far corner, 8 turned counterclockwise.
        /// </param>
        public Image Placed(int orientation)
        {
            if (orientation == 1) return this;
            bool aside = orientation >= 5;
            bool fromRight = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
            bool fromBottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
            Image placed = aside ? new Image(Height, Width) : new Image(Width, Height);
            int stepX = 3 * (fromRight ? -1 : 1) * (aside ? Height : 1), stepY = 3 * (fromBottom ? -1 : 1) * (aside ? 1 : Width);
            int corner = (fromRight ? -stepX * (Width - 1) : 0) + (fromBottom ? -stepY * (Height - 1) : 0), source = 0;
            for (int y = 0; y < Height; y++)
            {
                int target = corner + y * stepY;
                for (int x = 0; x < Width; x++, source += 3, target += stepX)
                {
                    placed.Pixels[target] = Pixels[source];
                    placed.Pixels[target + 1] = Pixels[source + 1];
                    placed.Pixels[target + 2] = Pixels[source + 2];
                }
            }
            return placed;
        }
    }
}
