using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using OcrSharp;

/// <summary>Calls single parts of the library: a command on each line of the input, an answer on each line of the output.</summary>
internal static class Probe
{
    private static void Main()
    {
        for (string line; (line = Console.ReadLine()) != null;)
        {
            string[] words = line.Split('\t');
            try
            {
                Console.WriteLine(Answer(words));
            }
            catch (OcrException error)
            {
                Console.WriteLine("refused: " + error.Message);
            }
        }
    }

    private static string Answer(string[] words)
    {
        float[] numbers = words.Skip(1).Where(word => char.IsDigit(word[word.Length - 1]) && word[0] != '/')
            .Select(word => float.Parse(word, CultureInfo.InvariantCulture)).ToArray();
        float shorter;
        double off;
        switch (words[0])
        {
            case "read": return Write(ImageFile.Read(words[1]), words[2]);
            case "width": return ModelFolder.LineWidth(words[1]).ToString();
            case "resize": return Write(Resize.Linear(ImageFile.Read(words[1]), (int)numbers[0], (int)numbers[1]), words[2]);
            case "shrink": return Write(Sampling.Area(ImageFile.Read(words[1]), (int)numbers[0], (int)numbers[1]), words[2]);
            case "straighten":
                Image straight = Crop.Straighten(ImageFile.Read(words[1]), Points(numbers.Take(8)), (int)numbers[8], (int)numbers[9]);
                return Write(straight, words[2]);
            case "line": return Write(Crop.Line(ImageFile.Read(words[1]), Points(numbers)), words[2]);
            case "rectangle": return Text(Rectangle.Smallest(Points(numbers), out shorter)) + " " + Number(shorter);
            case "grow": return Text(Unclip.Grow(Points(numbers), 1.5));
            case "resolve": return Counter.Resolve(Array.ConvertAll(numbers, each => (double)each), out off) + " " + Number((float)off);
            case "beam":
                double likely;
                double[][] steps = Enumerable.Range(0, (numbers.Length - 1) / 11)
                    .Select(step => numbers.Skip(1 + 11 * step).Take(11).Select(each => (double)each).ToArray()).ToArray();
                return MeterBeam.Best(steps, (int)numbers[0], out likely) + " " + Number((float)likely);
            case "contours":
                Image image = ImageFile.Read(words[1]);
                bool[] bright = new bool[image.Width * image.Height];
                for (int i = 0; i < bright.Length; i++) bright[i] = image.Pixels[3 * i] > 127;
                return string.Join(";", Contours.Find(bright, image.Width, image.Height).Select(Text));
            case "seam":
                using (OcrEngine engine = new OcrEngine(new OneLine(), new TwoLetters()))
                    return string.Join(",", engine.Run(new Image(64, 64)).Select(found => found.Text + " " + Text(found.Points)));
            default: throw new ArgumentException(words[0]);
        }
    }

    private static PointF[] Points(IEnumerable<float> numbers)
    {
        float[] all = numbers.ToArray();
        return Enumerable.Range(0, all.Length / 2).Select(i => new PointF(all[2 * i], all[2 * i + 1])).ToArray();
    }

    private static string Text(IEnumerable<PointF> points)
    {
        return string.Join(" ", points.Select(point => Number(point.X) + " " + Number(point.Y)));
    }

    private static string Number(float number)
    {
        return number.ToString("r", CultureInfo.InvariantCulture);
    }

    private static string Write(Image image, string path)
    {
        using (FileStream file = File.Create(path))
        {
            byte[] head = System.Text.Encoding.ASCII.GetBytes("P6 " + image.Width + " " + image.Height + " 255\n");
            file.Write(head, 0, head.Length);
            byte[] row = new byte[3 * image.Width];
            for (int start = 0; start < image.Pixels.Length; start += row.Length)
            {
                for (int i = 0; i < row.Length; i += 3)
                    for (int c = 0; c < 3; c++) row[i + c] = image.Pixels[start + i + 2 - c];
                file.Write(row, 0, row.Length);
            }
        }
        return "written";
    }

    /// <summary>A detector that sees one line, wherever it looks.</summary>
    private sealed class OneLine : IModel
    {
        public Tensor Run(Tensor input)
        {
            Tensor map = new Tensor(1, 1, input.Shape[2], input.Shape[3]);
            for (int y = 20; y < 30; y++)
                for (int x = 10; x < 50; x++) map.Data[y * input.Shape[3] + x] = 0.9f;
            return map;
        }

        public string Metadata(string name)
        {
            return null;
        }

        public void Dispose() { }
    }

    /// <summary>A recogniser that reads "ab " in everything.</summary>
    private sealed class TwoLetters : IModel
    {
        public Tensor Run(Tensor input)
        {
            int[] classes = { 1, 1, 0, 2, 3 };
            Tensor steps = new Tensor(input.Shape[0], classes.Length, 4);
            for (int i = 0; i < input.Shape[0] * classes.Length; i++) steps.Data[4 * i + classes[i % classes.Length]] = 1;
            return steps;
        }

        public string Metadata(string name)
        {
            return name == "character" ? "a\nb" : null;
        }

        public void Dispose() { }
    }
}
