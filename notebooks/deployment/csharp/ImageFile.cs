using System;
using System.IO;

namespace OcrSharp
{
    /// <summary>Reading pictures from files.</summary>
    public static class ImageFile
    {
        private const int MostBytes = 256000000; // the largest picture is smaller, whatever its format

        /// <summary>How formats begin that can't be read.</summary>
        private static readonly string[][] others =
        {
            new[] { "BMP", "BM" }, new[] { "GIF", "GIF8" }, new[] { "TIFF", "II*\0" }, new[] { "TIFF", "MM\0*" },
            new[] { "TIFF", "II+\0" }, new[] { "TIFF", "MM\0+" }, new[] { "WebP", "RIFF????WEBP" }, new[] { "AVIF", "????ftypavi" },
            new[] { "HEIC", "????ftyphe" }, new[] { "HEIC", "????ftypmif1" }, new[] { "JPEG 2000", "\0\0\0\fjP  " },
            new[] { "JPEG 2000", "\u00FFO\u00FFQ" }, new[] { "JPEG XL", "\0\0\0\fJXL " }, new[] { "JPEG XL", "\u00FF\n" },
            new[] { "PDF", "%PDF" }, new[] { "plain PPM", "P1" }, new[] { "plain PPM", "P2" }, new[] { "plain PPM", "P3" },
            new[] { "PBM", "P4" }
        };

        /// <summary>Reads a JPEG, PNG or PPM file; what it is, its first bytes say, and not its name.</summary>
        public static Image Read(string path)
        {
            byte[] content = Bytes(path);
            try
            {
                return Decode(content);
            }
            catch (OcrException error)
            {
                throw new OcrException(path + ": " + error.Message);
            }
        }

        private static byte[] Bytes(string path)
        {
            try
            {
                if (Directory.Exists(path)) throw new OcrException("the picture can't be read: " + path + " is a folder");
                using (FileStream file = File.OpenRead(path))
                using (MemoryStream content = new MemoryStream())
                {
                    byte[] part = new byte[1 << 16];
                    for (int count; (count = file.Read(part, 0, part.Length)) > 0; content.Write(part, 0, count))
                        if (content.Length + count > MostBytes)
                            throw new OcrException(path + " is larger than any picture that can be read: " + MostBytes / 1000000 + " MB");
                    return content.ToArray();
                }
            }
            catch (Exception error) when (error is FileNotFoundException || error is DirectoryNotFoundException)
            {
                throw new OcrException("the picture can't be read: " + path + " is not there");
            }
            catch (UnauthorizedAccessException)
            {
                throw new OcrException("the picture can't be read: " + path + " may not be opened; look at its permissions");
            }
            catch (Exception error) when (error is IOException || error is ArgumentException || error is NotSupportedException)
            {
                throw new OcrException("the picture can't be read: " + path + " (" + error.Message + ")");
            }
        }

        private static Image Decode(byte[] content)
        {
            if (content.Length == 0) throw new OcrException("the file is empty");
            if (JpegReader.Recognises(content)) return JpegReader.Read(content);
            if (PngReader.Recognises(content)) return PngReader.Read(content);
            if (PpmReader.Recognises(content)) return PpmReader.Read(content);
            foreach (string[] other in others)
                if (Begins(content, other[1]))
                    throw new OcrException(other[0] + " files can't be read: save it as PNG or JPEG, or send it to the service");
            throw new OcrException("the file is neither a JPEG nor a PNG nor a PPM file");
        }

        /// <summary>Whether a file begins so; ? stands for any byte.</summary>
        private static bool Begins(byte[] content, string start)
        {
            if (content.Length < start.Length) return false;
            for (int i = 0; i < start.Length; i++)
                if (start[i] != '?' && content[i] != start[i]) return false;
            return true;
        }
    }
}
