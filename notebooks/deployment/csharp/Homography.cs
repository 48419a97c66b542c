using System;

namespace OcrSharp
{
    /// <summary>Perspective: 3 x 3 matrices, row by row.</summary>
    internal static class Homography
    {
        /// <summary>The matrix that takes four points to four others.</summary>
        internal static double[] Between(PointF[] from, PointF[] to)
        {
            double[,] rows = new double[8, 9];
            for (int i = 0; i < 4; i++)
            {
                double x = from[i].X, y = from[i].Y;
                double[] first = { x, y, 1, 0, 0, 0, -x * to[i].X, -y * to[i].X, to[i].X };
                double[] second = { 0, 0, 0, x, y, 1, -x * to[i].Y, -y * to[i].Y, to[i].Y };
                for (int k = 0; k < 9; k++)
                {
                    rows[i, k] = first[k];
                    rows[i + 4, k] = second[k];
                }
            }
            double[] solved = Solve(rows);
            return new[] { solved[0], solved[1], solved[2], solved[3], solved[4], solved[5], solved[6], solved[7], 1 };
        }

        /// <summary>The way back.</summary>
        internal static double[] Inverse(double[] m)
        {
            double a = m[4] * m[8] - m[5] * m[7], b = m[5] * m[6] - m[3] * m[8], c = m[3] * m[7] - m[4] * m[6];
            double one = 1 / (m[0] * a + m[1] * b + m[2] * c);
            return new[]
            {
                a * one, (m[2] * m[7] - m[1] * m[8]) * one, (m[1] * m[5] - m[2] * m[4]) * one,
                b * one, (m[0] * m[8] - m[2] * m[6]) * one, (m[2] * m[3] - m[0] * m[5]) * one,
                c * one, (m[1] * m[6] - m[0] * m[7]) * one, (m[0] * m[4] - m[1] * m[3]) * one
            };
        }

        /// <summary>Gaussian elimination with row exchange; the last column is the right side.</summary>
        private static double[] Solve(double[,] rows)
        {
            int count = rows.GetLength(0);
            for (int column = 0; column < count; column++)
            {
                int pivot = column;
                for (int row = column + 1; row < count; row++)
                    if (Math.Abs(rows[row, column]) > Math.Abs(rows[pivot, column])) pivot = row;
                for (int k = 0; k <= count; k++)
                {
                    double value = rows[column, k];
                    rows[column, k] = rows[pivot, k];
                    rows[pivot, k] = value;
                }
                for (int row = column + 1; row < count; row++)
                {
                    double factor = rows[row, column] / rows[column, column];
                    for (int k = column; k <= count; k++) rows[row, k] -= factor * rows[column, k];
                }
            }
            double[] solved = new double[count];
            for (int row = count - 1; row >= 0; row--)
            {
                solved[row] = rows[row, count];
                for (int k = row + 1; k < count; k++) solved[row] -= rows[row, k] * solved[k];
                solved[row] /= rows[row, row];
            }
            return solved;
        }
    }
}
