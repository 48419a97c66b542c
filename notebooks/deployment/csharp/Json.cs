using System;
using System.Collections;
using System.Globalization;
using System.Text;

namespace OcrSharp
{
    /// <summary>Writing JSON: dictionaries, lists, texts, numbers, true, false and null.</summary>
    internal static class Json
    {
        internal static string Write(object value)
        {
            StringBuilder json = new StringBuilder();
            Add(json, value);
            return json.ToString();
        }

        private static void Add(StringBuilder json, object value)
        {
            if (value == null) json.Append("null");
            else if (value is bool) json.Append((bool)value ? "true" : "false");
            else if (value is string) AddText(json, (string)value);
            else if (value is IDictionary) AddObject(json, (IDictionary)value);
            else if (value is IEnumerable) AddArray(json, (IEnumerable)value);
            else AddNumber(json, Convert.ToDouble(value, CultureInfo.InvariantCulture));
        }

        private static void AddObject(StringBuilder json, IDictionary fields)
        {
            json.Append('{');
            bool first = true;
            foreach (DictionaryEntry field in fields)
            {
                if (!first) json.Append(", ");
                first = false;
                AddText(json, (string)field.Key);
                json.Append(": ");
                Add(json, field.Value);
            }
            json.Append('}');
        }

        private static void AddArray(StringBuilder json, IEnumerable items)
        {
            json.Append('[');
            bool first = true;
            foreach (object item in items)
            {
                if (!first) json.Append(", ");
                first = false;
                Add(json, item);
            }
            json.Append(']');
        }

        private static void AddNumber(StringBuilder json, double value)
        {
            if (double.IsNaN(value) || double.IsInfinity(value)) throw new ArgumentException("JSON has no number " + value);
            json.Append(Math.Round(value, 6).ToString("0.######", CultureInfo.InvariantCulture));
        }

        private static void AddText(StringBuilder json, string text)
        {
            json.Append('"');
            foreach (char c in text)
            {
                if (c == '"' || c == '\\') json.Append('\\').Append(c);
                else if (OneLine.Breaks(c) || char.IsSurrogate(c)) json.Append("\\u").Append(((int)c).ToString("x4"));
                else json.Append(c);
            }
            json.Append('"');
        }
    }
}
