using System;

namespace OcrSharp
{
    /// <summary>Tells whether a line stands on its head.</summary>
    public sealed class LineOrientation
    {
        private const int Width = 192, Height = 48;

        private readonly IModel model;
        private readonly double certain;

        /// <param name="model">The classifier of PP-OCR with the classes "upright" and "turned".</param>
        /// <param name="certain">The probability from which on a line is turned.</param>
        public LineOrientation(IModel model, double certain = 0.9)
        {
            this.model = model;
            this.certain = certain;
        }

        /// <summary>The line as it should be read.</summary>
        public Image Upright(Image line)
        {
            int width = Math.Min(Width, (int)Math.Ceiling(Height * (double)line.Width / line.Height));
            Tensor input = new Tensor(1, 3, Height, Width);
            TextRecognizer.Put(Resize.Linear(line, width, Height), input, 0, Width);
            Tensor answer = model.Run(input);
            if (answer.Data.Length != 2)
                throw new OcrException("the classifier of orientation must have two classes, this one has " + answer.Data.Length);
            return answer.Data[1] >= certain ? line.Placed(3) : line;
        }
    }
}
