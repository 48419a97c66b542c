using System.Collections.Generic;

namespace OcrSharp
{
    /// <summary>The borders of bright regions: outer ones, and those of holes.</summary>
    public static class Contours
    {
        // the eight neighbours of a pixel, clockwise on the screen, from the right one on
        private static readonly int[] stepX = { 1, 1, 0, -1, -1, -1, 0, 1 };
        private static readonly int[] stepY = { 0, 1, 1, 1, 0, -1, -1, -1 };

        /// <summary>Border following (Suzuki and Abe, 1985), the algorithm behind OpenCV's findContours.</summary>
        /// <param name="bright">Width x height, row by row.</param>
        /// <returns>The pixels of each border, the border that was found last first, as OpenCV orders them.</returns>
        public static List<List<PointF>> Find(bool[] bright, int width, int height)
        {
            // with a dark frame, so that no neighbour lies outside; 1 is bright, -n and n mark borders already followed
            int wide = width + 2;
            int[] pixels = new int[wide * (height + 2)];
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++)
                    if (bright[y * width + x]) pixels[(y + 1) * wide + x + 1] = 1;
            List<List<PointF>> found = new List<List<PointF>>();
            for (int y = 1; y <= height; y++)
                for (int x = 1; x <= width; x++)
                {
                    int place = y * wide + x;
                    bool outer = pixels[place] == 1 && pixels[place - 1] == 0;
                    bool hole = !outer && pixels[place] >= 1 && pixels[place + 1] == 0;
                    if (outer || hole) found.Add(Follow(pixels, wide, x, y, outer ? 4 : 0, found.Count + 2));
                }
            found.Reverse();
            return found;
        }

        private static List<PointF> Follow(int[] pixels, int wide, int startX, int startY, int from, int mark)
        {
            List<PointF> border = new List<PointF>();
            int first = NextBright(pixels, wide, startX, startY, from, 1);
            if (first < 0) // a single pixel
            {
                pixels[startY * wide + startX] = -mark;
                border.Add(new PointF(startX - 1, startY - 1));
                return border;
            }
            int firstX = startX + stepX[first], firstY = startY + stepY[first], x = startX, y = startY, back = first;
            while (true)
            {
                int next = NextBright(pixels, wide, x, y, (back + 7) % 8, -1, back);
                Mark(pixels, wide, x, y, back, next, mark);
                border.Add(new PointF(x - 1, y - 1));
                int nextX = x + stepX[next], nextY = y + stepY[next];
                if (nextX == startX && nextY == startY && x == firstX && y == firstY) return border;
                back = (next + 4) % 8;
                x = nextX;
                y = nextY;
            }
        }

        /// <summary>A border pixel whose right neighbour is dark and was looked at gets a minus: it was seen from there.</summary>
        private static void Mark(int[] pixels, int wide, int x, int y, int back, int next, int mark)
        {
            int place = y * wide + x;
            bool rightWasSeen = false;
            for (int way = (back + 7) % 8; way != next; way = (way + 7) % 8)
                if (way == 0) rightWasSeen = true;
            if (rightWasSeen && pixels[place + 1] == 0) pixels[place] = -mark;
            else if (pixels[place] == 1) pixels[place] = mark;
        }

        /// <summary>The first bright neighbour from one on, clockwise (1) or counterclockwise (-1); -1 if there is none.</summary>
        private static int NextBright(int[] pixels, int wide, int x, int y, int from, int turn, int otherwise = -1)
        {
            for (int i = 0; i < 8; i++)
            {
                int way = (from + turn * i + 8) % 8;
                if (pixels[(y + stepY[way]) * wide + x + stepX[way]] != 0) return way;
            }
            return otherwise;
        }
    }
}
