using System;
using System.Collections;
using System.Collections.Generic;
using System.Collections.Specialized;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Text;
using System.Threading;

namespace OcrSharp
{
    /// <summary>The command line: pictures in, a line of JSON for each of them out.</summary>
    internal static class Program
    {
        private const string Usage =
            "usage: ocr read --runtime LIBRARY --detector MODEL --recognizer MODEL [--orientation MODEL]\n" +
            "                [--dictionary FILE] [--batch N] [--threads N] [--jobs N] [--stats] PICTURE...\n" +
            "       ocr digit --runtime LIBRARY --meters FOLDER [--kind drum|lcd] PICTURE...\n" +
            "       ocr window --runtime LIBRARY --meters FOLDER [--kind drum|lcd] [--digits N] [--decimals N] PICTURE...\n" +
            "LIBRARY is libonnxruntime.so (.dylib, .dll), MODEL an ONNX file or a folder with inference.onnx and inference.yml.\n" +
            "FOLDER has the networks for meters: `ocrbook meters --export FOLDER` writes them.\n" +
            "A PICTURE (JPEG, PNG, PPM) that can't be read gets a line with its error; the others are read, and the code is 1.";

        private static readonly string[] known =
        {
            "--runtime", "--detector", "--recognizer", "--orientation", "--dictionary", "--batch", "--threads", "--jobs", "--meters",
            "--kind", "--digits", "--decimals"
        };

        private static int Main(string[] words)
        {
            Console.OutputEncoding = new UTF8Encoding(false);
            if (words.Length == 0)
            {
                Console.Error.WriteLine(Usage);
                return 1;
            }
            try
            {
                Options options = new Options(words, 1, known, new[] { "--stats" });
                if (options.Rest.Count == 0) throw new OcrException("name a picture; ocr alone shows how");
                if (options.Text("--runtime") == null) throw new OcrException("say where the library of ONNX Runtime is: --runtime LIBRARY");
                switch (words[0])
                {
                    case "read": return Read(options);
                    case "digit": return Meter(options, false);
                    case "window": return Meter(options, true);
                    default: throw new OcrException("there is no command " + words[0] + "; ocr alone shows which there are");
                }
            }
            catch (Exception error)
            {
                Console.Error.WriteLine(OneLine.Of(error, "ocr"));
                return 1;
            }
        }

        private static IModel Load(Options options, string path)
        {
            return new OnnxModel(path, options.Text("--runtime"), options.Number("--threads", 1, 1, 256));
        }

        private static int Read(Options options)
        {
            Stopwatch watch = Stopwatch.StartNew();
            IModel orientation = options.Has("--orientation") ? Load(options, options.Model("--orientation")) : null;
            string recognizer = options.Model("--recognizer");
            int batch = options.Number("--batch", TextRecognizer.UsualBatch, 1, 64), lineWidth = ModelFolder.LineWidth(recognizer);
            using (OcrEngine engine = new OcrEngine(Load(options, options.Model("--detector")), Load(options, recognizer), orientation,
                options.Text("--dictionary"), batch, lineWidth))
            {
                long loaded = watch.ElapsedMilliseconds;
                Action afterEach = options.Has("--stats") ? (Action)(() => Stats(loaded, watch)) : null;
                return Answer(options, path => Page(path, engine), afterEach) ? 0 : 1;
            }
        }

        /// <summary>Prints an answer for each picture, in order, or why there is none; several threads may work.</summary>
        /// <returns>Whether there is an answer for all.</returns>
        private static bool Answer(Options options, Func<string, IDictionary> answer, Action afterEach = null)
        {
            List<string> paths = options.Rest;
            string[] rows = new string[paths.Count], errors = new string[paths.Count];
            Exception failed = null;
            int next = -1, printed = 0;
            object gate = new object();
            ThreadStart work = () =>
            {
                for (int mine; (mine = Interlocked.Increment(ref next)) < paths.Count && failed == null;)
                    try
                    {
                        string row, error = null;
                        try
                        {
                            row = Json.Write(answer(paths[mine]));
                        }
                        catch (Exception problem) // whatever it is, it must not keep the other pictures from being read
                        {
                            error = OneLine.Of(problem, paths[mine]);
                            row = Json.Write(new OrderedDictionary { { "file", paths[mine] }, { "error", error } });
                        }
                        lock (gate)
                        {
                            errors[mine] = error;
                            rows[mine] = row;
                            for (; printed < rows.Length && rows[printed] != null; printed++)
                            {
                                Console.WriteLine(rows[printed]);
                                rows[printed] = "";
                                if (errors[printed] != null) Console.Error.WriteLine(errors[printed]);
                                if (afterEach != null) afterEach();
                            }
                        }
                    }
                    catch (Exception error) // of printing: it is thrown again below, by the thread that waits
                    {
                        failed = error;
                    }
            };
            Thread[] threads = new Thread[options.Number("--jobs", 1, 1, 64)];
            for (int i = 0; i < threads.Length; i++) (threads[i] = new Thread(work)).Start();
            foreach (Thread thread in threads) thread.Join();
            if (failed != null) ExceptionDispatchInfo.Capture(failed).Throw();
            return Array.TrueForAll(errors, error => error == null);
        }

        private static IDictionary Page(string path, OcrEngine engine)
        {
            Image image = ImageFile.Read(path);
            ArrayList lines = new ArrayList();
            foreach (TextLine line in engine.Run(image))
                lines.Add(new OrderedDictionary
                {
                    { "text", line.Text },
                    { "score", line.Score },
                    { "points", Array.ConvertAll(line.Points, point => new[] { point.X, point.Y }) }
                });
            return new OrderedDictionary { { "file", path }, { "width", image.Width }, { "height", image.Height }, { "lines", lines } };
        }

        /// <summary>Where time and memory have gone, as JSON to the error stream.</summary>
        private static void Stats(long loaded, Stopwatch watch)
        {
            using (Process self = Process.GetCurrentProcess())
                Console.Error.WriteLine(Json.Write(new OrderedDictionary
                {
                    { "load_ms", loaded }, { "elapsed_ms", watch.ElapsedMilliseconds },
                    { "cpu_ms", self.TotalProcessorTime.TotalMilliseconds }, { "memory_mb", self.WorkingSet64 / 1e6 }
                }));
        }

        /// <summary>Reads meters. As `python -m ocrbook.meters`: 0 if every reading is accepted, else 1.</summary>
        private static int Meter(Options options, bool window)
        {
            string folder = options.Text("--meters"), kind = options.Text("--kind", "drum");
            if (folder == null) throw new OcrException("say where the networks for meters are: --meters FOLDER; `ocrbook meters --export FOLDER` writes them");
            if (kind != "drum" && kind != "lcd") throw new OcrException("--kind must be drum or lcd, not " + kind);
            int count = options.Number("--digits", 0, 1, 12), decimals = options.Number("--decimals", 0, 0, 12);
            MeterWindow.Check(count, decimals);
            int rejected = 0;
            Func<string, IModel> load = name =>
            {
                string file = MeterNetworks.FileOf(folder, name);
                return file == null ? null : Load(options, file);
            };
            using (MeterNetworks networks = new MeterNetworks(load))
            {
                foreach (string name in window ? new[] { kind, "positions", MeterLines.Network } : new[] { kind }) networks.Prepare(name);
                bool all = Answer(options, path =>
                {
                    Image image = ImageFile.Read(path);
                    Reading reading = window
                        ? new MeterWindow(networks).Read(image, kind == "drum", count, decimals)
                        : new MeterDigits(networks).Read(image, kind == "drum");
                    IDictionary answer = reading.ToDictionary();
                    answer["file"] = path;
                    if (!reading.Accepted) Interlocked.Increment(ref rejected);
                    return answer;
                });
                return all && rejected == 0 ? 0 : 1;
            }
        }
    }
}
