using System;
using System.Linq;

namespace OcrSharp
{
    /// <summary>Errors as a line; nobody should have to read a stack.</summary>
    internal static class OneLine
    {
        /// <summary>What went wrong, with the picture or whatever else it happened to.</summary>
        internal static string Of(Exception problem, string what)
        {
            string message = problem is OcrException ? problem.Message
                : problem is OutOfMemoryException ? what + ": there is not enough memory for this; make the picture smaller"
                : what + ": something went wrong that should not: " + problem.GetType().Name + ": " + problem.Message;
            return string.Concat(message.Select(c => Breaks(c) ? ' ' : c));
        }

        /// <summary>Whether a character may end a line, or do other things than being shown.</summary>
        internal static bool Breaks(char c)
        {
            return char.IsControl(c) || c == '\u2028' || c == '\u2029';
        }
    }
}
