using System;

namespace OcrSharp
{
    /// <summary>A network: numbers in, numbers out.</summary>
    /// <remarks>
    /// This is the seam of the library. Everything above it is plain C#; everything below it may be replaced, by another
    /// runtime, by a call over the network, or by a fake in a test. Implementations must be safe to use from several
    /// threads at once.
    /// </remarks>
    public interface IModel : IDisposable
    {
        /// <summary>Computes the first output for the first input.</summary>
        Tensor Run(Tensor input);

        /// <summary>A text that is stored in the model file under a name, or null.</summary>
        string Metadata(string name);
    }
}
