using System;
using System.IO;
using System.Net.Http;
using System.Text;
using System.Threading.Tasks;

namespace OcrClient
{
    /// <summary>Reads an image over HTTP: client URL IMAGE [ocr|meter].</summary>
    internal static class Program
    {
        private static int Main(string[] words)
        {
            Console.OutputEncoding = new UTF8Encoding(false);
            if (words.Length < 2 || words.Length > 3)
            {
                Console.Error.WriteLine("usage: client URL IMAGE [ocr|meter]");
                return 1;
            }
            try
            {
                Run(words[0], words[1], words.Length > 2 ? words[2] : "ocr").GetAwaiter().GetResult();
                return 0;
            }
            catch (Exception error) when (error is IOException || error is InvalidOperationException ||
                error is HttpRequestException || error is TaskCanceledException || error is UriFormatException)
            {
                Console.Error.WriteLine((error.InnerException ?? error).Message);
                return 1;
            }
        }

        private static async Task Run(string address, string path, string endpoint)
        {
            using (OcrService service = new OcrService(address))
            {
                Result result = await service.Ask(endpoint, File.ReadAllBytes(path));
                Console.WriteLine(endpoint == "meter" ? result.Text : string.Join("\n", result.Pages[0].Lines.Texts));
            }
        }
    }
}
