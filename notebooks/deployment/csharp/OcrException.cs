using System;

namespace OcrSharp
{
    /// <summary>What went wrong, in one line that says what to do about it.</summary>
    public class OcrException : Exception
    {
        /// <summary>With the line.</summary>
        public OcrException(string message) : base(message) { }
    }
}
