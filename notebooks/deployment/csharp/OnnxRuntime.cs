using System;
using System.Runtime.InteropServices;

namespace OcrSharp
{
    /// <summary>The C interface of ONNX Runtime, as far as this library needs it.</summary>
    /// <remarks>
    /// The library is loaded from a path, so no NuGet package and no search path is needed. It hands out a table of
    /// function pointers. The table only ever grows at its end: a number below means the same function in all versions.
    /// Every function returns null, or a status that holds a message.
    /// </remarks>
    internal sealed class OnnxRuntime
    {
        private const int ApiVersion = 8; // of February 2021; later libraries still offer it

        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        private delegate IntPtr GetApiBase();
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        private delegate IntPtr GetApi(uint version);
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        internal delegate IntPtr TextOf(IntPtr status);
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        internal delegate void Release(IntPtr item);
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        internal delegate IntPtr MakeEnvironment(int logLevel, byte[] name, out IntPtr environment);
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        internal delegate IntPtr Make(out IntPtr item);
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        internal delegate IntPtr Switch(IntPtr options);
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        internal delegate IntPtr SetNumber(IntPtr options, int number);
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        internal delegate IntPtr MakeSession(IntPtr environment, byte[] model, UIntPtr length, IntPtr options, out IntPtr session);
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        internal delegate IntPtr NameAt(IntPtr session, UIntPtr index, IntPtr allocator, out IntPtr name);
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        internal delegate IntPtr MakeMemory(int allocator, int kind, out IntPtr memory);
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        internal delegate IntPtr MakeTensor(IntPtr memory, IntPtr data, UIntPtr bytes, long[] shape, UIntPtr axes, int type, out IntPtr value);
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        internal delegate IntPtr RunSession(IntPtr session, IntPtr options, IntPtr[] inputNames, IntPtr[] inputs,
            UIntPtr inputCount, IntPtr[] outputNames, UIntPtr outputCount, IntPtr[] outputs);
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        internal delegate IntPtr Of(IntPtr item, out IntPtr part);
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        internal delegate IntPtr ReadShape(IntPtr info, [Out] long[] shape, UIntPtr axes);
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        internal delegate IntPtr Free(IntPtr allocator, IntPtr memory);
        [UnmanagedFunctionPointer(CallingConvention.Winapi)]
        internal delegate IntPtr LookUp(IntPtr metadata, IntPtr allocator, byte[] key, out IntPtr text);

        internal readonly RunSession Run;
        internal readonly Make CreateOptions;
        internal readonly Switch DisablePatterns;
        internal readonly SetNumber SetThreads;
        internal readonly NameAt InputName, OutputName;
        internal readonly MakeSession CreateSession;
        internal readonly MakeTensor CreateTensor;
        internal readonly Of DataOf, AxesOf, InfoOf, MetadataOf;
        internal readonly ReadShape ShapeOf;
        internal readonly Free FreeText;
        internal readonly LookUp LookUpMetadata;
        internal readonly Release ReleaseMetadata, ReleaseSession, ReleaseValue, ReleaseInfo, ReleaseOptions;
        internal readonly IntPtr Environment, CpuMemory, Allocator;

        private readonly IntPtr table;
        private readonly TextOf messageOf;
        private readonly Release releaseStatus;

        /// <summary>Loads the library from a path.</summary>
        internal OnnxRuntime(string path)
        {
            IntPtr handle = NativeLibrary.Open(path);
            GetApiBase getBase = NativeLibrary.Function<GetApiBase>(handle, "OrtGetApiBase", path);
            IntPtr apiBase = getBase();
            GetApi getApi = Marshal.GetDelegateForFunctionPointer<GetApi>(Marshal.ReadIntPtr(apiBase));
            table = getApi(ApiVersion);
            if (table == IntPtr.Zero)
                throw new OcrException(path + " does not offer version " + ApiVersion + " of its interface: use ONNX Runtime 1.8 or newer");
            messageOf = Entry<TextOf>(2);
            releaseStatus = Entry<Release>(93);
            CreateSession = Entry<MakeSession>(8);
            Run = Entry<RunSession>(9);
            CreateOptions = Entry<Make>(10);
            DisablePatterns = Entry<Switch>(17);
            SetThreads = Entry<SetNumber>(24);
            InputName = Entry<NameAt>(36);
            OutputName = Entry<NameAt>(37);
            CreateTensor = Entry<MakeTensor>(49);
            DataOf = Entry<Of>(51);
            AxesOf = Entry<Of>(61);
            ShapeOf = Entry<ReadShape>(62);
            InfoOf = Entry<Of>(65);
            FreeText = Entry<Free>(76);
            ReleaseSession = Entry<Release>(95);
            ReleaseValue = Entry<Release>(96);
            ReleaseInfo = Entry<Release>(99);
            ReleaseOptions = Entry<Release>(100);
            MetadataOf = Entry<Of>(111);
            LookUpMetadata = Entry<LookUp>(116);
            ReleaseMetadata = Entry<Release>(118);
            const int errorsOnly = 3, arena = 1, ordinary = 0;
            Check(Entry<MakeEnvironment>(3)(errorsOnly, Terminated("ocr"), out Environment));
            Check(Entry<MakeMemory>(69)(arena, ordinary, out CpuMemory));
            Check(Entry<Make>(78)(out Allocator));
        }

        /// <summary>Throws what a status says; it is released.</summary>
        internal void Check(IntPtr status)
        {
            if (status == IntPtr.Zero) return;
            string message = ReadText(messageOf(status));
            releaseStatus(status);
            int end = message.IndexOf('\n');
            throw new OcrException("ONNX Runtime: " + (end < 0 ? message : message.Substring(0, end)));
        }

        /// <summary>A text as C wants it: UTF-8, with a zero at the end.</summary>
        internal static byte[] Terminated(string text)
        {
            return System.Text.Encoding.UTF8.GetBytes(text + "\0");
        }

        /// <summary>A text as C has it.</summary>
        internal static string ReadText(IntPtr text)
        {
            int length = 0;
            while (Marshal.ReadByte(text, length) != 0) length++;
            byte[] bytes = new byte[length];
            Marshal.Copy(text, bytes, 0, length);
            return System.Text.Encoding.UTF8.GetString(bytes);
        }

        private T Entry<T>(int number)
        {
            return Marshal.GetDelegateForFunctionPointer<T>(Marshal.ReadIntPtr(table, number * IntPtr.Size));
        }
    }
}
