using System;
using System.IO;
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
            string endpoint = words.Length > 2 ? words[2] : "ocr";
            if (words.Length < 2 || words.Length > 3 || (endpoint != "ocr" && endpoint != "meter"))
            {
                Console.Error.WriteLine("usage: client URL IMAGE [ocr|meter]");
                return 1;
            }
            try
            {
                Run(words[0], words[1], endpoint).GetAwaiter().GetResult();
                return 0;
            }
            catch (Exception error) when (error is OcrServiceException || error is IOException || error is UnauthorizedAccessException ||
                error is ArgumentException)
            {
                Console.Error.WriteLine(error.Message);
                return 1;
            }
        }

        private static async Task Run(string address, string path, string endpoint)
        {
            using (OcrService service = new OcrService(address))
            {
                Result result = await service.Ask(endpoint, File.ReadAllBytes(path));
                string text = endpoint == "meter" ? result.Text : result.AllTexts;
                if (text == null) throw new OcrServiceException("this is not the service: its answer has no text");
                Console.WriteLine(text);
            }
        }
    }
}
