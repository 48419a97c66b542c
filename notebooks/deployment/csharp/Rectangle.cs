using System;
using System.Collections.Generic;

namespace OcrSharp
{
    /// <summary>The smallest rectangle around points, at any angle.</summary>
    public static class Rectangle
    {
        /// <summary>Its corners clockwise from the top left, and the length of its shorter side.</summary>
        public static PointF[] Smallest(IList<PointF> points, out float shorter)
        {
            List<PointF> hull = Hull(points);
            if (hull.Count > 2) return Turning(hull, out shorter);
            shorter = 0; // a point or a line
            PointF a = hull[0], b = hull[hull.Count - 1];
            float angle = (float)Math.Atan2((double)b.Y - a.Y, (double)b.X - a.X);
            return InOrder(Corners((a.X + b.X) * 0.5f, (a.Y + b.Y) * 0.5f, (float)a.DistanceTo(b), 0, angle));
        }

        /// <summary>
        /// Rotating calipers (Toussaint, 1983): four lines touch the hull at its bottom, right, top and left, and are turned
        /// together from side to side of the hull; one side of the smallest rectangle lies along a side of the hull.
        /// All with 32 bits and in OpenCV's order, for the same box to come out to the last bit.
        /// </summary>
        private static PointF[] Turning(List<PointF> hull, out float shorter)
        {
            int count = hull.Count;
            float[] alongX = new float[count], alongY = new float[count], inverse = new float[count];
            int[] touch = { 0, 0, 0, 0 }; // least y, most x, most y, least x
            for (int i = 0; i < count; i++)
            {
                PointF here = hull[i], next = hull[(i + 1) % count];
                if (here.Y < hull[touch[0]].Y) touch[0] = i;
                if (here.X > hull[touch[1]].X) touch[1] = i;
                if (here.Y > hull[touch[2]].Y) touch[2] = i;
                if (here.X < hull[touch[3]].X) touch[3] = i;
                double x = next.X - here.X, y = next.Y - here.Y;
                alongX[i] = (float)x;
                alongY[i] = (float)y;
                inverse[i] = (float)(1 / Math.Sqrt(x * x + y * y));
            }
            float a = 1, b = 0, least = float.MaxValue, bestA = 1, bestB = 0, width = 0, height = 0; // (a, b) is the first line
            PointF left = hull[0], bottom = hull[0];
            for (int step = 0; step < count; step++)
            {
                int first = 0;
                float closest = float.MinValue;
                for (int k = 0; k < 4; k++) // which line has least to turn until it lies along a side?
                {
                    float x = alongX[touch[k]], y = alongY[touch[k]];
                    float along = k == 0 ? a * x + b * y : k == 1 ? a * y - b * x : k == 2 ? -a * x - b * y : b * x - a * y;
                    float cosine = along * inverse[touch[k]];
                    if (k > 0 && cosine <= closest) continue;
                    closest = cosine;
                    first = k;
                }
                float leadX = alongX[touch[first]] * inverse[touch[first]], leadY = alongY[touch[first]] * inverse[touch[first]];
                a = first == 0 ? leadX : first == 1 ? leadY : first == 2 ? -leadX : -leadY;
                b = first == 0 ? leadY : first == 1 ? -leadX : first == 2 ? -leadY : leadX;
                touch[first] = (touch[first] + 1) % count;
                PointF low = hull[touch[0]], right = hull[touch[1]], high = hull[touch[2]], far = hull[touch[3]];
                float wide = (right.X - far.X) * a + (right.Y - far.Y) * b, tall = (high.Y - low.Y) * a - (high.X - low.X) * b;
                float area = wide * tall;
                if (area > least) continue;
                least = area;
                bestA = a;
                bestB = b;
                width = wide;
                height = tall;
                left = far;
                bottom = low;
            }
            // the corner where the lines through `left` and `bottom` meet, and from there to the middle
            float one = bestA * left.X + left.Y * bestB, other = -bestB * bottom.X + bottom.Y * bestA;
            float scale = 1 / (bestA * bestA + bestB * bestB);
            float cornerX = (one * bestA - other * bestB) * scale, cornerY = (bestA * other + bestB * one) * scale;
            float acrossX = bestA * width, acrossY = bestB * width, upX = -bestB * height, upY = bestA * height;
            float centreX = cornerX + (acrossX + upX) * 0.5f, centreY = cornerY + (acrossY + upY) * 0.5f;
            width = (float)Math.Sqrt((double)acrossX * acrossX + (double)acrossY * acrossY);
            height = (float)Math.Sqrt((double)upX * upX + (double)upY * upY);
            shorter = Math.Min(width, height);
            float degrees = (float)(Math.Atan2(acrossY, acrossX) * 180 / Math.PI);
            return InOrder(Corners(centreX, centreY, width, height, degrees * Math.PI / 180));
        }

        private static PointF[] Corners(float x, float y, float width, float height, double angle)
        {
            float a = (float)Math.Sin(angle) * 0.5f, b = (float)Math.Cos(angle) * 0.5f;
            PointF first = new PointF(x - a * height - b * width, y + b * height - a * width);
            PointF second = new PointF(x + a * height - b * width, y - b * height - a * width);
            return new[] { first, second, new PointF(2 * x - first.X, 2 * y - first.Y), new PointF(2 * x - second.X, 2 * y - second.Y) };
        }

        /// <summary>Two corners are left, two right; of each pair one is above.</summary>
        private static PointF[] InOrder(PointF[] corners)
        {
            Sorting.Stable(corners, (one, other) => one.X.CompareTo(other.X));
            bool leftIsUp = corners[1].Y > corners[0].Y, rightIsUp = corners[3].Y > corners[2].Y;
            return new[]
            {
                corners[leftIsUp ? 0 : 1], corners[rightIsUp ? 2 : 3], corners[rightIsUp ? 3 : 2], corners[leftIsUp ? 1 : 0]
            };
        }

        /// <summary>The convex hull (Andrew, 1979).</summary>
        /// <remarks>
        /// Two rectangles may be equally small. Which one is taken depends on where the hull begins: at its first point,
        /// or, where the points run the other way round, at its last. OpenCV does the same.
        /// </remarks>
        private static List<PointF> Hull(IList<PointF> points)
        {
            int[] sorted = new int[points.Count];
            for (int i = 0; i < sorted.Length; i++) sorted[i] = i;
            Array.Sort(sorted, (one, other) => points[one].X != points[other].X ? points[one].X.CompareTo(points[other].X)
                : points[one].Y != points[other].Y ? points[one].Y.CompareTo(points[other].Y) : one.CompareTo(other));
            List<int> hull = new List<int>();
            for (int pass = 0; pass < 2; pass++) // one half from left to right, the other one back
            {
                int start = hull.Count;
                foreach (int index in sorted)
                {
                    while (hull.Count >= start + 2 && Turn(points[hull[hull.Count - 2]], points[hull[hull.Count - 1]], points[index]) <= 0)
                        hull.RemoveAt(hull.Count - 1);
                    hull.Add(index);
                }
                hull.RemoveAt(hull.Count - 1); // it is the first one of the other half
                Array.Reverse(sorted);
            }
            if (hull.Count == 0) hull.Add(0);
            int count = hull.Count, least = 0, most = 0;
            for (int i = 1; i < count; i++)
            {
                if (hull[i] < hull[least]) least = i;
                if (hull[i] > hull[most]) most = i;
            }
            int first = (most + 1) % count == least ? least : most;
            List<PointF> corners = new List<PointF>();
            for (int i = 0; i < count; i++) corners.Add(points[hull[(first + i) % count]]);
            return corners;
        }

        private static double Turn(PointF a, PointF b, PointF c)
        {
            return ((double)b.X - a.X) * ((double)c.Y - a.Y) - ((double)b.Y - a.Y) * ((double)c.X - a.X);
        }
    }
}
