using System.Runtime.Serialization;

namespace OcrClient
{
    /// <summary>What the service answers to /ocr, as far as this client needs it.</summary>
    [DataContract]
    public sealed class Answer
    {
        /// <summary>0, or the status of HTTP.</summary>
        [DataMember(Name = "errorCode")] public int ErrorCode { get; set; }

        /// <summary>"Success", or what was wrong.</summary>
        [DataMember(Name = "errorMsg")] public string Message { get; set; }

        /// <summary>The pages.</summary>
        [DataMember(Name = "result")] public Result Result { get; set; }
    }

    /// <summary>One or more pages.</summary>
    [DataContract]
    public sealed class Result
    {
        /// <summary>One for an image.</summary>
        [DataMember(Name = "ocrResults")] public Page[] Pages { get; set; }

        /// <summary>Of /meter: the digits.</summary>
        [DataMember(Name = "text")] public string Text { get; set; }

        /// <summary>The lines of the first page, one below the other; null where there is no page.</summary>
        public string AllTexts
        {
            get
            {
                string[] texts = Pages == null || Pages.Length == 0 ? null : Pages[0]?.Lines?.Texts;
                return texts == null ? null : string.Join("\n", texts);
            }
        }
    }

    /// <summary>A page.</summary>
    [DataContract]
    public sealed class Page
    {
        /// <summary>What was read on it.</summary>
        [DataMember(Name = "prunedResult")] public Lines Lines { get; set; }
    }

    /// <summary>The lines of a page.</summary>
    [DataContract]
    public sealed class Lines
    {
        /// <summary>Their texts.</summary>
        [DataMember(Name = "rec_texts")] public string[] Texts { get; set; }

        /// <summary>How sure the recogniser is of each.</summary>
        [DataMember(Name = "rec_scores")] public double[] Scores { get; set; }
    }
}
