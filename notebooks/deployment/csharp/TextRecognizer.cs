using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace OcrSharp
{
    /// <summary>Reads lines of text: a convolutional network and CTC (Graves et al., 2006).</summary>
    public sealed class TextRecognizer
    {
        /// <summary>What PaddleOCR takes: the lines that are read at once, and the width of the shortest one.</summary>
        public const int UsualBatch = 6, UsualWidth = 320;

        internal const int Height = 48, MostWidth = 3200;

        private readonly IModel model;
        private readonly string[] characters;
        private readonly int batch, leastWidth;

        /// <param name="model">A recogniser of PP-OCR.</param>
        /// <param name="dictionary">A file with one character on each line; null takes the one in the model.</param>
        /// <param name="batch">How many lines are read at once.</param>
        /// <param name="leastWidth">The width to which shorter lines are filled up, for a height of 48 pixels.</param>
        public TextRecognizer(IModel model, string dictionary = null, int batch = UsualBatch, int leastWidth = UsualWidth)
        {
            this.model = model;
            this.batch = batch;
            this.leastWidth = leastWidth;
            characters = Characters(dictionary == null ? model.Metadata("character") : ReadFile(dictionary));
        }

        /// <summary>Text and confidence of each line.</summary>
        public Tuple<string, float>[] Read(IList<Image> lines)
        {
            // lines of like shape share a batch: all are padded to the widest one
            int[] order = new int[lines.Count];
            for (int i = 0; i < order.Length; i++) order[i] = i;
            Sorting.Stable(order, (one, other) => Ratio(lines[one]).CompareTo(Ratio(lines[other])));
            Tuple<string, float>[] answers = new Tuple<string, float>[lines.Count];
            for (int start = 0; start < order.Length; start += batch)
            {
                int count = Math.Min(batch, order.Length - start);
                Image[] some = new Image[count];
                for (int i = 0; i < count; i++) some[i] = lines[order[start + i]];
                Tensor steps = model.Run(Input(some));
                int classes = steps.Shape[steps.Shape.Length - 1];
                if (steps.Shape.Length != 3 || classes != characters.Length)
                    throw new OcrException("the dictionary does not fit the recogniser: it has " + (characters.Length - 2) +
                        " characters, the model wants " + (classes - 2) + "; name the right one with --dictionary");
                for (int i = 0; i < count; i++) answers[order[start + i]] = Decode(steps, i);
            }
            return answers;
        }

        private static double Ratio(Image line)
        {
            return (double)line.Width / line.Height;
        }

        private Tensor Input(Image[] lines)
        {
            int width = leastWidth;
            foreach (Image line in lines) width = Math.Max(width, (int)(Height * Ratio(line)));
            width = Math.Min(width, MostWidth);
            Tensor input = new Tensor(lines.Length, 3, Height, width);
            for (int n = 0; n < lines.Length; n++)
            {
                int own = Math.Min(Room(lines[n]), (int)Math.Ceiling(Height * Ratio(lines[n])));
                Put(Resize.Linear(lines[n], own, Height), input, n, width);
            }
            return input;
        }

        /// <summary>The width that a line gets when it is alone.</summary>
        private int Room(Image line)
        {
            return Math.Min(MostWidth, (int)(Height * Math.Max((double)leastWidth / Height, Ratio(line))));
        }

        /// <summary>Colours from -1 to 1; what is right of the line stays 0, a medium gray.</summary>
        internal static void Put(Image line, Tensor input, int number, int width)
        {
            for (int c = 0; c < 3; c++)
                for (int y = 0; y < line.Height; y++)
                {
                    int target = ((number * 3 + c) * line.Height + y) * width, source = 3 * y * line.Width + c;
                    for (int x = 0; x < line.Width; x++)
                        input.Data[target + x] = (line.Pixels[source + 3 * x] / 255f - 0.5f) / 0.5f;
                }
        }

        /// <summary>The best class of each step; repetitions are joined, blanks dropped.</summary>
        private Tuple<string, float> Decode(Tensor steps, int number)
        {
            int count = steps.Shape[1], classes = steps.Shape[2], last = 0, kept = 0;
            StringBuilder text = new StringBuilder();
            float[] data = steps.Data;
            double sum = 0;
            for (int step = 0; step < count; step++)
            {
                int start = (number * count + step) * classes, best = 0;
                float most = data[start];
                for (int k = 1; k < classes; k++)
                {
                    if (data[start + k] <= most) continue;
                    most = data[start + k];
                    best = k;
                }
                if (best != 0 && (best != last || step == 0))
                {
                    text.Append(characters[best]);
                    sum += most;
                    kept++;
                }
                last = best;
            }
            return Tuple.Create(text.ToString(), kept == 0 ? 0f : (float)(sum / kept));
        }

        private static string ReadFile(string path)
        {
            if (!File.Exists(path)) throw new OcrException("the dictionary is not there: " + path);
            return File.ReadAllText(path, Encoding.UTF8);
        }

        /// <summary>All classes: blank, the characters, and a space.</summary>
        private static string[] Characters(string lines)
        {
            if (string.IsNullOrEmpty(lines)) throw new OcrException("the recogniser has no dictionary in it: name one with --dictionary");
            // a character may itself be a kind of space, so nothing is trimmed but the end of the last line
            List<string> all = new List<string> { "" };
            string[] own = lines.Split('\n');
            for (int i = 0; i < own.Length; i++)
                if (i < own.Length - 1 || own[i].Length > 0) all.Add(own[i].TrimEnd('\r'));
            all.Add(" ");
            return all.ToArray();
        }
    }
}
