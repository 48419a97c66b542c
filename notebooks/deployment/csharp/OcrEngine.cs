using System;
using System.Collections.Generic;

namespace OcrSharp
{
    /// <summary>The pipeline of PP-OCR: find lines, cut them out, turn them where they stand on their heads, read them.</summary>
    /// <remarks>
    /// Make one, and keep it: reading the models takes longer than reading a page. One engine serves several threads at
    /// once; what a run needs, it keeps to itself.
    /// </remarks>
    public sealed class OcrEngine : IDisposable
    {
        private readonly IModel[] models;
        private readonly TextDetector detector;
        private readonly LineOrientation orientation;
        private readonly TextRecognizer recognizer;

        /// <summary>An engine from its models, which it owns from now on.</summary>
        /// <param name="detector">Finds lines.</param>
        /// <param name="recognizer">Reads them.</param>
        /// <param name="orientation">Tells which stand on their heads; null takes them as they are.</param>
        /// <param name="dictionary">The characters of the recogniser, if they are not in it.</param>
        /// <param name="batch">How many lines are read at once.</param>
        /// <param name="lineWidth">The width to which shorter lines are filled up, see ModelFolder.</param>
        public OcrEngine(IModel detector, IModel recognizer, IModel orientation = null, string dictionary = null,
            int batch = TextRecognizer.UsualBatch, int lineWidth = TextRecognizer.UsualWidth)
        {
            models = new[] { detector, recognizer, orientation };
            this.detector = new TextDetector(detector);
            this.recognizer = new TextRecognizer(recognizer, dictionary, batch, lineWidth);
            this.orientation = orientation == null ? null : new LineOrientation(orientation);
            // models that don't fit fail here, and not with the first picture
            Image empty = new Image(64, 64);
            this.detector.Find(empty);
            this.recognizer.Read(new[] { empty });
            if (orientation != null) this.orientation.Upright(empty);
        }

        /// <summary>Reads a picture.</summary>
        public List<TextLine> Run(Image image)
        {
            List<PointF[]> boxes = detector.Find(image);
            List<Image> crops = new List<Image>();
            foreach (PointF[] box in boxes)
            {
                Image line = Crop.Line(image, box);
                crops.Add(orientation == null ? line : orientation.Upright(line));
            }
            Tuple<string, float>[] texts = recognizer.Read(crops);
            List<TextLine> lines = new List<TextLine>();
            for (int i = 0; i < texts.Length; i++) lines.Add(new TextLine(boxes[i], texts[i].Item1, texts[i].Item2));
            return lines;
        }

        /// <summary>Gives the memory of the models back.</summary>
        public void Dispose()
        {
            foreach (IModel model in models)
                if (model != null) model.Dispose();
        }
    }
}
