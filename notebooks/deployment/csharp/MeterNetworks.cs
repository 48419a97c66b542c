using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace OcrSharp
{
    /// <summary>The networks of ocrbook.meters, each loaded when it is first used.</summary>
    public sealed class MeterNetworks : IDisposable
    {
        private readonly Func<string, IModel> load;
        private readonly Dictionary<string, IModel> models = new Dictionary<string, IModel>();

        /// <param name="load">Makes a model from its name: "drum", "lcd", "positions" or "lines"; null if there are no "lines".</param>
        public MeterNetworks(Func<string, IModel> load)
        {
            this.load = load;
        }

        /// <summary>The ONNX file of a network in a folder; null if it is the one for lines, which may be missing.</summary>
        public static string FileOf(string folder, string name)
        {
            string path = Path.Combine(folder, name, "inference.onnx");
            if (File.Exists(path)) return path;
            if (name == MeterLines.Network) return null;
            throw new OcrException("the network for meters is not there: " + path + "; `ocrbook meters --export FOLDER` writes them all");
        }

        /// <summary>The answer of a network.</summary>
        internal Tensor Run(string name, Tensor input)
        {
            return Prepare(name).Run(input);
        }

        /// <summary>Loads a network that was not used yet; null if it is the one for lines and there is none.</summary>
        internal IModel Prepare(string name)
        {
            IModel model;
            lock (models)
                if (!models.TryGetValue(name, out model)) models[name] = model = load(name);
            return model;
        }

        /// <summary>A picture without its light: minus its mean, by its deviation; and without its colour, if it is to be gray.</summary>
        internal static void Normalize(Image image, Tensor input, int number, int width, bool gray)
        {
            double[] values = Array.ConvertAll(image.Pixels, value => (double)value);
            for (int i = 0; gray && i < values.Length; i += 3)
                values[i] = values[i + 1] = values[i + 2] = (values[i] + values[i + 1] + values[i + 2]) / 3;
            double mean = values.Average(), scale = 1 / (Math.Sqrt(values.Average(value => (value - mean) * (value - mean))) + 6);
            int rows = input.Shape[2];
            for (int c = 0; c < 3; c++)
                for (int y = 0; y < image.Height; y++)
                    for (int x = 0; x < image.Width; x++)
                        input.Data[((number * 3 + c) * rows + y) * width + x] = (float)((values[3 * (y * image.Width + x) + c] - mean) * scale);
        }

        /// <summary>Gives the memory back.</summary>
        public void Dispose()
        {
            foreach (IModel model in models.Values)
                if (model != null) model.Dispose();
            models.Clear();
        }
    }
}
