using System;

namespace OcrSharp
{
    /// <summary>Sorting that leaves equals in their order. Array.Sort doesn't.</summary>
    internal static class Sorting
    {
        /// <summary>Sorts by insertion, in place: for tens of things, not for thousands.</summary>
        internal static void Stable<T>(T[] items, Comparison<T> compare)
        {
            for (int i = 1; i < items.Length; i++)
            {
                T item = items[i];
                int place = i;
                for (; place > 0 && compare(items[place - 1], item) > 0; place--) items[place] = items[place - 1];
                items[place] = item;
            }
        }
    }
}
