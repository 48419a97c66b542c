using System;
using System.Collections.Generic;

namespace OcrSharp
{
    /// <summary>Growing a box, since the network marks only the core of a line.</summary>
    public static class Unclip
    {
        private const double Tolerance = 0.25; // how far an arc may be from a circle, in pixels

        /// <summary>
        /// The outline at a distance of ratio * area / perimeter from a convex quadrilateral (Liao et al., 2020), with
        /// round corners, in whole pixels, as the library Clipper draws it, which PaddleOCR uses.
        /// </summary>
        public static List<PointF> Grow(PointF[] corners, double ratio)
        {
            double distance = Area(corners) * ratio / Perimeter(corners);
            List<PointF> whole = new List<PointF>();
            foreach (PointF corner in corners)
            {
                PointF cut = new PointF((int)corner.X, (int)corner.Y);
                if (whole.Count == 0 || !whole[whole.Count - 1].Equals(cut)) whole.Add(cut);
            }
            if (whole.Count > 1 && whole[0].Equals(whole[whole.Count - 1])) whole.RemoveAt(whole.Count - 1);
            double perTurn = Math.PI / Math.Acos(1 - Math.Min(Tolerance, 0.25 * distance) / distance);
            perTurn = Math.Min(perTurn, distance * Math.PI);
            List<PointF> outline = new List<PointF>();
            for (int i = 0; i < whole.Count; i++)
            {
                PointF before = whole[(i + whole.Count - 1) % whole.Count], here = whole[i], after = whole[(i + 1) % whole.Count];
                AddCorner(outline, here, Normal(before, here), Normal(here, after), distance, perTurn / (2 * Math.PI));
            }
            if (outline.Count > 1 && outline[0].Equals(outline[outline.Count - 1])) outline.RemoveAt(outline.Count - 1);
            return FromTheTop(outline);
        }

        /// <summary>The same outline, beginning where Clipper's does: after the right end of its highest row.</summary>
        private static List<PointF> FromTheTop(List<PointF> outline)
        {
            int top = 0;
            for (int i = 1; i < outline.Count; i++)
                if (outline[i].Y < outline[top].Y || (outline[i].Y == outline[top].Y && outline[i].X > outline[top].X)) top = i;
            List<PointF> turned = outline.GetRange(top + 1, outline.Count - top - 1);
            turned.AddRange(outline.GetRange(0, top + 1));
            return turned;
        }

        /// <summary>The arc around a corner, from the normal of one side to that of the next.</summary>
        private static void AddCorner(List<PointF> outline, PointF corner, double[] from, double[] to, double distance, double perRadian)
        {
            double turn = Math.Atan2(from[0] * to[1] - from[1] * to[0], from[0] * to[0] + from[1] * to[1]);
            int steps = Math.Max((int)(perRadian * Math.Abs(turn) + 0.5), 1);
            double sine = Math.Sin(1 / perRadian), cosine = Math.Cos(1 / perRadian), x = from[0], y = from[1];
            for (int i = 0; i < steps; i++)
            {
                Add(outline, corner.X + x * distance, corner.Y + y * distance);
                double other = x;
                x = x * cosine - sine * y;
                y = other * sine + y * cosine;
            }
            Add(outline, corner.X + to[0] * distance, corner.Y + to[1] * distance);
        }

        /// <summary>Adds a point in whole pixels, unless it is the same as the last one.</summary>
        private static void Add(List<PointF> outline, double x, double y)
        {
            PointF point = new PointF((long)(x < 0 ? x - 0.5 : x + 0.5), (long)(y < 0 ? y - 0.5 : y + 0.5));
            if (outline.Count == 0 || !outline[outline.Count - 1].Equals(point)) outline.Add(point);
        }

        /// <summary>Outwards from a side of a polygon that runs clockwise on the screen.</summary>
        private static double[] Normal(PointF a, PointF b)
        {
            double length = a.DistanceTo(b);
            return new[] { (b.Y - a.Y) / length, -(b.X - a.X) / length };
        }

        private static double Area(PointF[] corners)
        {
            double sum = 0;
            for (int i = 0; i < corners.Length; i++)
            {
                PointF a = corners[i], b = corners[(i + 1) % corners.Length];
                sum += (double)a.X * b.Y - (double)b.X * a.Y;
            }
            return Math.Abs(sum) / 2;
        }

        private static double Perimeter(PointF[] corners)
        {
            double sum = 0;
            for (int i = 0; i < corners.Length; i++) sum += corners[i].DistanceTo(corners[(i + 1) % corners.Length]);
            return sum;
        }
    }
}
