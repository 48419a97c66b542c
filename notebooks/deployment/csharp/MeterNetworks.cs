using System;
using System.Collections.Generic;
using System.IO;

namespace OcrSharp
{
    /// <summary>The small networks of ocrbook.meters, each loaded when it is first used.</summary>
    public sealed class MeterNetworks : IDisposable
    {
        private readonly Func<string, IModel> load;
        private readonly Dictionary<string, IModel> models = new Dictionary<string, IModel>();

        /// <param name="load">Makes a model from its name: "drum", "lcd" or "positions".</param>
        public MeterNetworks(Func<string, IModel> load)
        {
            this.load = load;
        }

        /// <summary>The ONNX file of a network in the folder ocrbook/meters/weights.</summary>
        public static string FileOf(string folder, string name)
        {
            string path = Path.Combine(folder, name, "inference.onnx");
            if (!File.Exists(path))
                throw new OcrException("the network for meters is not there: " + path +
                    "; name the folder ocrbook/meters/weights with --meters");
            return path;
        }

        /// <summary>The answer of a network.</summary>
        internal Tensor Run(string name, Tensor input)
        {
            return Prepare(name).Run(input);
        }

        /// <summary>Loads a network that was not used yet.</summary>
        internal IModel Prepare(string name)
        {
            IModel model;
            lock (models)
                if (!models.TryGetValue(name, out model)) models[name] = model = load(name);
            return model;
        }

        /// <summary>A picture without its light: minus its mean, by its deviation.</summary>
        internal static void Normalize(Image image, Tensor input, int number, int width)
        {
            double sum = 0, squares = 0;
            foreach (byte value in image.Pixels) sum += value;
            double mean = sum / image.Pixels.Length;
            foreach (byte value in image.Pixels) squares += (value - mean) * (value - mean);
            double scale = 1 / (Math.Sqrt(squares / image.Pixels.Length) + 6);
            int rows = input.Shape[2];
            for (int c = 0; c < 3; c++)
                for (int y = 0; y < image.Height; y++)
                    for (int x = 0; x < image.Width; x++)
                        input.Data[((number * 3 + c) * rows + y) * width + x] = (float)((image.Pixels[3 * (y * image.Width + x) + c] - mean) * scale);
        }

        /// <summary>Gives the memory back.</summary>
        public void Dispose()
        {
            foreach (IModel model in models.Values) model.Dispose();
            models.Clear();
        }
    }
}
