using System;
using System.Collections.Generic;

namespace OcrSharp
{
    /// <summary>The order in which people read the lines of a simple page.</summary>
    internal static class ReadingOrder
    {
        private const int SameRow = 10; // pixels that the top left corners of two boxes of one row may differ by

        /// <summary>From the top to the bottom; in a row, from the left to the right.</summary>
        internal static List<PointF[]> Sort(List<PointF[]> boxes)
        {
            PointF[][] sorted = boxes.ToArray();
            Sorting.Stable(sorted, (one, other) => one[0].Y != other[0].Y ? one[0].Y.CompareTo(other[0].Y) : one[0].X.CompareTo(other[0].X));
            for (int i = 0; i + 1 < sorted.Length; i++)
                for (int j = i; j >= 0; j--)
                {
                    PointF here = sorted[j][0], next = sorted[j + 1][0];
                    if (Math.Abs(next.Y - here.Y) >= SameRow || next.X >= here.X) break;
                    PointF[] box = sorted[j];
                    sorted[j] = sorted[j + 1];
                    sorted[j + 1] = box;
                }
            return new List<PointF[]>(sorted);
        }
    }
}
