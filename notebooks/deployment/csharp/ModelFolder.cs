using System;
using System.IO;
using System.Text.RegularExpressions;

namespace OcrSharp
{
    /// <summary>What the file inference.yml beside a network says of it.</summary>
    public static class ModelFolder
    {
        // image_shape: [3, 48, 320], or the three numbers on lines of their own
        private static readonly Regex shape = new Regex(
            @"RecResizeImg:[\s{]+(?:[a-z_]+:[^\n]*\n\s+)*?image_shape:\s*" +
            @"(?:\[\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\]|-\s*(\d+)\s+-\s*(\d+)\s+-\s*(\d+)\s*\n)",
            RegexOptions.CultureInvariant);

        /// <summary>The width to which a recogniser fills lines up; where no file says it, that of PaddleOCR.</summary>
        /// <remarks>A smaller one saves time wherever lines are short, and changes few texts.</remarks>
        /// <param name="model">The ONNX file.</param>
        public static int LineWidth(string model)
        {
            string path = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(model)), "inference.yml");
            if (!File.Exists(path)) return TextRecognizer.UsualWidth;
            string text = File.ReadAllText(path) + "\n";
            if (!text.Contains("RecResizeImg")) return TextRecognizer.UsualWidth;
            Match found = shape.Match(text);
            int[] numbers = new int[3];
            for (int i = 0; i < 3; i++)
                if (!int.TryParse(found.Groups[1 + i].Value + found.Groups[4 + i].Value, out numbers[i])) numbers[i] = 0;
            if (numbers[0] != 3 || numbers[1] != TextRecognizer.Height || numbers[2] < 1 || numbers[2] > TextRecognizer.MostWidth)
                throw new OcrException(path + " does not say how a recogniser wants its lines: RecResizeImg with image_shape: [3, " +
                    TextRecognizer.Height + ", 1 to " + TextRecognizer.MostWidth + "]");
            return numbers[2];
        }
    }
}
