using System;

namespace OcrSharp
{
    /// <summary>An array of numbers with a shape, the last axis fastest.</summary>
    public sealed class Tensor
    {
        /// <summary>The numbers.</summary>
        public readonly float[] Data;

        /// <summary>The length of each axis.</summary>
        public readonly int[] Shape;

        /// <summary>Zeros of a shape.</summary>
        public Tensor(params int[] shape) : this(new float[Count(shape)], shape) { }

        /// <summary>Numbers that are there already.</summary>
        public Tensor(float[] data, int[] shape)
        {
            if (data.Length != Count(shape))
                throw new ArgumentException(data.Length + " numbers do not have the shape " + string.Join(" x ", shape));
            Data = data;
            Shape = shape;
        }

        private static int Count(int[] shape)
        {
            int count = 1;
            foreach (int length in shape) count = checked(count * length);
            return count;
        }
    }
}
