using System;

namespace OcrSharp
{
    /// <summary>A place in a picture, in pixels from its top left corner.</summary>
    public struct PointF
    {
        /// <summary>To the right, and down.</summary>
        public readonly float X, Y;

        /// <summary>A place.</summary>
        public PointF(float x, float y)
        {
            X = x;
            Y = y;
        }

        /// <summary>How far it is from another place.</summary>
        public double DistanceTo(PointF other)
        {
            double x = X - other.X, y = Y - other.Y;
            return Math.Sqrt(x * x + y * y);
        }
    }
}
