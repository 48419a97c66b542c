using System;

namespace OcrSharp
{
    /// <summary>Filling convex polygons.</summary>
    internal static class Polygon
    {
        /// <summary>The pixels of a row that a convex polygon covers, its border included; false if there are none.</summary>
        internal static bool Span(PointF[] corners, int y, out int from, out int to)
        {
            double left = double.MaxValue, right = double.MinValue;
            for (int i = 0; i < corners.Length; i++)
            {
                PointF a = corners[i], b = corners[(i + 1) % corners.Length];
                if (y < Math.Min(a.Y, b.Y) || y > Math.Max(a.Y, b.Y)) continue;
                if (a.Y == b.Y)
                {
                    left = Math.Min(left, Math.Min(a.X, b.X));
                    right = Math.Max(right, Math.Max(a.X, b.X));
                    continue;
                }
                // a flat side covers several pixels of a row: from half a row above to half a row below
                double slope = ((double)b.X - a.X) / ((double)b.Y - a.Y), reach = Math.Abs(slope) > 1 ? 0.5 : 0;
                foreach (double row in new[] { y - reach, y + reach })
                {
                    double inside = Math.Max(Math.Min(a.Y, b.Y), Math.Min(Math.Max(a.Y, b.Y), row));
                    double x = a.X + (inside - a.Y) * slope;
                    left = Math.Min(left, x);
                    right = Math.Max(right, x);
                }
            }
            from = left > right ? 0 : (int)Math.Floor(left + 0.5);
            to = left > right ? -1 : (int)Math.Floor(right + 0.5);
            return from <= to;
        }
    }
}
