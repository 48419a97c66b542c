using System;
using System.Collections.Generic;

namespace OcrSharp
{
    /// <summary>Finds the lines of text in a picture: differentiable binarization (Liao et al., 2020).</summary>
    public sealed class TextDetector
    {
        // of ImageNet. They are those of red, green and blue, and are applied to blue, green and red: so was it trained
        private static readonly double[] mean = { 0.485, 0.456, 0.406 }, deviation = { 0.229, 0.224, 0.225 };

        private const int LeastSide = 64, MostSide = 4000, Multiple = 32, Candidates = 1000, LeastBox = 3;

        private readonly IModel model;
        private readonly double bright, certain, grow;

        /// <param name="model">A detector of PP-OCR.</param>
        /// <param name="bright">From which probability on a pixel counts as text.</param>
        /// <param name="certain">The mean probability that a box must have.</param>
        /// <param name="grow">How far a box is enlarged, in areas by perimeters.</param>
        public TextDetector(IModel model, double bright = 0.3, double certain = 0.6, double grow = 1.5)
        {
            this.model = model;
            this.bright = bright;
            this.certain = certain;
            this.grow = grow;
        }

        /// <summary>Corners of each line, clockwise from the top left, in whole pixels of the picture, in reading order.</summary>
        public List<PointF[]> Find(Image image)
        {
            Tensor map = model.Run(Input(Padded(image)));
            if (map.Shape.Length != 4 || map.Shape[1] != 1)
                throw new OcrException("the detector is no detector of PP-OCR: it answers with " + string.Join(" x ", map.Shape) + " numbers");
            return ReadingOrder.Sort(Boxes(map.Data, map.Shape[3], map.Shape[2], image.Width, image.Height));
        }

        /// <summary>Very small pictures get a black edge.</summary>
        private static Image Padded(Image image)
        {
            if (image.Width + image.Height >= LeastSide) return image;
            Image larger = new Image(Math.Max(Multiple, image.Width), Math.Max(Multiple, image.Height));
            for (int y = 0; y < image.Height; y++)
                Array.Copy(image.Pixels, 3 * y * image.Width, larger.Pixels, 3 * y * larger.Width, 3 * image.Width);
            return larger;
        }

        private static Tensor Input(Image image)
        {
            double scale = Math.Max(1.0, (double)LeastSide / Math.Min(image.Width, image.Height));
            int width = (int)(image.Width * scale), height = (int)(image.Height * scale);
            if (Math.Max(width, height) > MostSide)
            {
                scale = (double)MostSide / Math.Max(width, height);
                width = (int)(width * scale);
                height = (int)(height * scale);
            }
            Image resized = Resize.Linear(image, Rounded(width), Rounded(height));
            Tensor input = new Tensor(1, 3, resized.Height, resized.Width);
            int plane = resized.Width * resized.Height;
            for (int c = 0; c < 3; c++)
            {
                float factor = (float)(1 / 255.0 / deviation[c]), shift = (float)(-mean[c] / deviation[c]);
                for (int i = 0; i < plane; i++) input.Data[c * plane + i] = resized.Pixels[3 * i + c] * factor + shift;
            }
            return input;
        }

        private static int Rounded(int side)
        {
            return Math.Max(Multiple, (int)Math.Round(side / (double)Multiple, MidpointRounding.ToEven) * Multiple);
        }

        private List<PointF[]> Boxes(float[] map, int width, int height, int pageWidth, int pageHeight)
        {
            List<PointF[]> boxes = new List<PointF[]>();
            List<List<PointF>> contours = Contours.Find(Array.ConvertAll(map, value => value > bright), width, height);
            for (int i = 0; i < Math.Min(Candidates, contours.Count); i++)
            {
                float shorter;
                PointF[] box = Rectangle.Smallest(contours[i], out shorter);
                if (shorter < LeastBox || Score(map, width, height, box) < certain) continue;
                box = Rectangle.Smallest(Unclip.Grow(box, grow), out shorter);
                if (shorter < LeastBox + 2) continue;
                boxes.Add(Array.ConvertAll(box, corner => new PointF(
                    OnPage(corner.X, (double)pageWidth / width, pageWidth),
                    OnPage(corner.Y, (double)pageHeight / height, pageHeight))));
            }
            return boxes;
        }

        private static float OnPage(float place, double scale, int most)
        {
            return Math.Max(0, Math.Min((float)Math.Round(place * scale, MidpointRounding.ToEven), most));
        }

        /// <summary>The mean of the map inside a box.</summary>
        private static double Score(float[] map, int width, int height, PointF[] box)
        {
            int left = width - 1, top = height - 1, right = 0, bottom = 0;
            foreach (PointF corner in box)
            {
                left = Math.Min(left, (int)Math.Floor(corner.X));
                top = Math.Min(top, (int)Math.Floor(corner.Y));
                right = Math.Max(right, (int)Math.Ceiling(corner.X));
                bottom = Math.Max(bottom, (int)Math.Ceiling(corner.Y));
            }
            left = Math.Max(left, 0);
            top = Math.Max(top, 0);
            PointF[] inside = Array.ConvertAll(box, corner => new PointF((int)(corner.X - left), (int)(corner.Y - top)));
            double sum = 0;
            int count = 0;
            for (int y = top; y <= Math.Min(bottom, height - 1); y++)
            {
                int from, to;
                if (!Polygon.Span(inside, y - top, out from, out to)) continue;
                for (int x = Math.Max(from, 0) + left; x <= Math.Min(to + left, Math.Min(right, width - 1)); x++)
                {
                    sum += map[y * width + x];
                    count++;
                }
            }
            return count == 0 ? 0 : sum / count;
        }
    }
}
