using System.Collections.Generic;
using System.IO;

namespace OcrSharp
{
    /// <summary>What stands on the command line: options with a value, switches, and the rest.</summary>
    internal sealed class Options
    {
        internal readonly List<string> Rest = new List<string>();
        private readonly Dictionary<string, string> values = new Dictionary<string, string>();

        internal Options(string[] words, int start, ICollection<string> known, ICollection<string> switches)
        {
            for (int i = start; i < words.Length; i++)
            {
                if (!words[i].StartsWith("--")) Rest.Add(words[i]);
                else if (switches.Contains(words[i])) values[words[i]] = "";
                else if (!known.Contains(words[i])) throw new OcrException("there is no option " + words[i]);
                else if (i + 1 == words.Length) throw new OcrException(words[i] + " wants a value");
                else values[words[i]] = words[++i];
            }
        }

        internal bool Has(string name)
        {
            return values.ContainsKey(name);
        }

        internal string Text(string name, string otherwise = null)
        {
            string value;
            return values.TryGetValue(name, out value) ? value : otherwise;
        }

        internal int Number(string name, int otherwise, int least, int most)
        {
            string text = Text(name);
            if (text == null) return otherwise;
            int number;
            if (!int.TryParse(text, out number) || number < least || number > most)
                throw new OcrException(name + " must be a whole number from " + least + " to " + most + ", not " + text);
            return number;
        }

        /// <summary>An ONNX file, or the one in a model folder.</summary>
        internal string Model(string name)
        {
            string path = Text(name);
            if (path == null) throw new OcrException("say which model to use: " + name + " FILE-OR-FOLDER");
            return Directory.Exists(path) ? Path.Combine(path, "inference.onnx") : path;
        }
    }
}
