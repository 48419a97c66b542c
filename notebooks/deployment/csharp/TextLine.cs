namespace OcrSharp
{
    /// <summary>A line that was read.</summary>
    public sealed class TextLine
    {
        /// <summary>Corners, clockwise from the top left, in pixels of the picture.</summary>
        public readonly PointF[] Points;

        /// <summary>What it says.</summary>
        public readonly string Text;

        /// <summary>How sure the recogniser is, from 0 to 1.</summary>
        public readonly float Score;

        internal TextLine(PointF[] points, string text, float score)
        {
            Points = points;
            Text = text;
            Score = score;
        }
    }
}
