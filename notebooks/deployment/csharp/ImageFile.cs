using System;
using System.IO;

namespace OcrSharp
{
    /// <summary>Reading pictures from files.</summary>
    public static class ImageFile
    {
        /// <summary>Reads a PNG or PPM file; what it is, its first bytes say, and not its name.</summary>
        public static Image Read(string path)
        {
            byte[] content;
            try
            {
                content = File.ReadAllBytes(path);
            }
            catch (Exception error) when (error is IOException || error is UnauthorizedAccessException)
            {
                throw new OcrException("the picture can't be read: " + path + (File.Exists(path) ? "" : " is not there"));
            }
            try
            {
                if (PngReader.Recognises(content)) return PngReader.Read(content);
                if (PpmReader.Recognises(content)) return PpmReader.Read(content);
            }
            catch (OcrException error)
            {
                throw new OcrException(path + ": " + error.Message);
            }
            bool jpeg = content.Length > 2 && content[0] == 0xFF && content[1] == 0xD8;
            throw new OcrException(path + (jpeg
                ? " is a JPEG file: convert it to PNG, or send it to the service"
                : " is neither a PNG nor a PPM file"));
        }
    }
}
