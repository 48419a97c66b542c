using System;
using System.IO;
using System.Runtime.InteropServices;

namespace OcrSharp
{
    /// <summary>A network in an ONNX file, computed by ONNX Runtime on the CPU.</summary>
    public sealed class OnnxModel : IModel
    {
        private const int Float32 = 1;

        private static readonly object gate = new object();
        private static OnnxRuntime shared;
        private static string sharedPath;

        private readonly OnnxRuntime runtime;
        private readonly string path;
        private readonly IntPtr inputName, outputName;
        private IntPtr session;

        /// <summary>Reads a file. This takes a while and much memory: do it once.</summary>
        /// <param name="path">The ONNX file.</param>
        /// <param name="library">The library of ONNX Runtime; one for the whole program.</param>
        /// <param name="threads">How many threads one run may use.</param>
        public OnnxModel(string path, string library, int threads = 1)
        {
            if (!File.Exists(path)) throw new OcrException("the model is not there: " + path);
            this.path = path;
            runtime = Runtime(library);
            byte[] content = File.ReadAllBytes(path);
            IntPtr options;
            runtime.Check(runtime.CreateOptions(out options));
            try
            {
                runtime.Check(runtime.SetThreads(options, threads));
                // else a plan of memory is kept for each size of picture that was ever seen
                runtime.Check(runtime.DisablePatterns(options));
                try
                {
                    runtime.Check(runtime.CreateSession(runtime.Environment, content, (UIntPtr)content.Length, options, out session));
                }
                catch (OcrException error)
                {
                    throw new OcrException("this is no model that ONNX Runtime can read: " + path + " (" + error.Message + ")");
                }
            }
            finally
            {
                runtime.ReleaseOptions(options);
            }
            runtime.Check(runtime.InputName(session, UIntPtr.Zero, runtime.Allocator, out inputName));
            runtime.Check(runtime.OutputName(session, UIntPtr.Zero, runtime.Allocator, out outputName));
        }

        /// <inheritdoc/>
        public Tensor Run(Tensor input)
        {
            if (session == IntPtr.Zero) throw new ObjectDisposedException(path);
            long[] shape = Array.ConvertAll(input.Shape, length => (long)length);
            // the numbers must not be moved while the machine code looks at them
            GCHandle pinned = GCHandle.Alloc(input.Data, GCHandleType.Pinned);
            IntPtr given = IntPtr.Zero;
            IntPtr[] answers = new IntPtr[1];
            try
            {
                runtime.Check(runtime.CreateTensor(runtime.CpuMemory, pinned.AddrOfPinnedObject(),
                    (UIntPtr)(4L * input.Data.Length), shape, (UIntPtr)shape.Length, Float32, out given));
                try
                {
                    runtime.Check(runtime.Run(session, IntPtr.Zero, new[] { inputName }, new[] { given }, (UIntPtr)1,
                        new[] { outputName }, (UIntPtr)1, answers));
                }
                catch (OcrException error)
                {
                    throw new OcrException("the model " + path + " can't be used for this: " + error.Message);
                }
                return Read(answers[0]);
            }
            finally
            {
                if (answers[0] != IntPtr.Zero) runtime.ReleaseValue(answers[0]);
                if (given != IntPtr.Zero) runtime.ReleaseValue(given);
                pinned.Free();
            }
        }

        /// <inheritdoc/>
        public string Metadata(string name)
        {
            IntPtr metadata, text;
            runtime.Check(runtime.MetadataOf(session, out metadata));
            try
            {
                runtime.Check(runtime.LookUpMetadata(metadata, runtime.Allocator, OnnxRuntime.Terminated(name), out text));
            }
            finally
            {
                runtime.ReleaseMetadata(metadata);
            }
            if (text == IntPtr.Zero) return null;
            string value = OnnxRuntime.ReadText(text);
            runtime.Check(runtime.FreeText(runtime.Allocator, text));
            return value;
        }

        /// <summary>Gives the memory back. No run may be under way.</summary>
        public void Dispose()
        {
            if (session == IntPtr.Zero) return;
            runtime.ReleaseSession(session);
            session = IntPtr.Zero;
            runtime.Check(runtime.FreeText(runtime.Allocator, inputName));
            runtime.Check(runtime.FreeText(runtime.Allocator, outputName));
        }

        private Tensor Read(IntPtr value)
        {
            IntPtr info, axes, data;
            runtime.Check(runtime.InfoOf(value, out info));
            try
            {
                runtime.Check(runtime.AxesOf(info, out axes));
                long[] shape = new long[(int)axes];
                runtime.Check(runtime.ShapeOf(info, shape, (UIntPtr)shape.Length));
                Tensor tensor = new Tensor(Array.ConvertAll(shape, length => (int)length));
                runtime.Check(runtime.DataOf(value, out data));
                Marshal.Copy(data, tensor.Data, 0, tensor.Data.Length);
                return tensor;
            }
            finally
            {
                runtime.ReleaseInfo(info);
            }
        }

        private static OnnxRuntime Runtime(string library)
        {
            lock (gate)
            {
                if (shared == null)
                {
                    shared = new OnnxRuntime(library);
                    sharedPath = library;
                }
                if (sharedPath != library)
                    throw new OcrException("one program uses one ONNX Runtime; " + sharedPath + " is loaded already");
                return shared;
            }
        }
    }
}
