using System.Collections;
using System.Collections.Generic;
using System.Collections.Specialized;

namespace OcrSharp
{
    /// <summary>A number that was read from a meter, and whether it may be used. As in ocrbook.meters.</summary>
    public sealed class Reading
    {
        /// <summary>The digits from the left to the right, without a separator; "" where there are none.</summary>
        public readonly string Text;

        /// <summary>The number; null where nothing was read.</summary>
        public readonly double? Value;

        /// <summary>Estimated share of such readings that are right.</summary>
        public readonly double Confidence;

        /// <summary>Whether the number may be used without a second look.</summary>
        public readonly bool Accepted;

        /// <summary>Why it was rejected; "" if it was not.</summary>
        public readonly string Reason;

        /// <summary>The positions of a window, from the left to the right.</summary>
        public readonly IList<Reading> Parts;

        internal Reading(string text, double? value, double confidence, bool accepted, string reason, IList<Reading> parts = null)
        {
            Text = text;
            Value = value;
            Confidence = confidence;
            Accepted = accepted;
            Reason = reason;
            Parts = parts ?? new Reading[0];
        }

        internal static Reading Rejected(string reason, IList<Reading> parts = null)
        {
            return new Reading("", null, 0, false, reason, parts);
        }

        internal IDictionary ToDictionary()
        {
            ArrayList parts = new ArrayList();
            foreach (Reading part in Parts) parts.Add(part.ToDictionary());
            return new OrderedDictionary
            {
                { "text", Text }, { "value", Value }, { "confidence", Confidence }, { "accepted", Accepted }, { "reason", Reason },
                { "parts", parts }
            };
        }
    }
}
