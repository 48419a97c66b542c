using System;

namespace OcrClient
{
    /// <summary>Why there is no answer: what the service said, or what else happened, in a line.</summary>
    public class OcrServiceException : Exception
    {
        /// <summary>With the line; what a server says may have several.</summary>
        public OcrServiceException(string message) : base(message.Replace('\r', ' ').Replace('\n', ' ')) { }
    }
}
