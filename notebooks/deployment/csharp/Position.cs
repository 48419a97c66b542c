namespace OcrSharp
{
    /// <summary>Where a digit stands in a window: its middle, its size, and how sure the network is.</summary>
    internal sealed class Position
    {
        internal double X, Y, Width, Height, Score;

        internal Position Copy()
        {
            return (Position)MemberwiseClone();
        }
    }
}
