using System;
using System.IO;
using System.Runtime.InteropServices;

namespace OcrSharp
{
    /// <summary>Loading a library of machine code from a path.</summary>
    /// <remarks>.NET has a class for this since version 3; Mono has none, so both use what the system offers.</remarks>
    internal static class NativeLibrary
    {
        private const int Now = 2;

        [DllImport("libdl.so.2", EntryPoint = "dlopen")]
        private static extern IntPtr OpenOnLinux(string path, int flags);
        [DllImport("libdl.so.2", EntryPoint = "dlsym")]
        private static extern IntPtr FindOnLinux(IntPtr handle, string name);
        [DllImport("libSystem.dylib", EntryPoint = "dlopen")]
        private static extern IntPtr OpenOnMac(string path, int flags);
        [DllImport("libSystem.dylib", EntryPoint = "dlsym")]
        private static extern IntPtr FindOnMac(IntPtr handle, string name);
        [DllImport("kernel32.dll", EntryPoint = "LoadLibraryW", CharSet = CharSet.Unicode)]
        private static extern IntPtr OpenOnWindows(string path);
        [DllImport("kernel32.dll", EntryPoint = "GetProcAddress", CharSet = CharSet.Ansi)]
        private static extern IntPtr FindOnWindows(IntPtr handle, string name);

        internal static IntPtr Open(string path)
        {
            if (!File.Exists(path))
                throw new OcrException("the library of ONNX Runtime is not there: " + path + "; say where it is with --runtime");
            path = Path.GetFullPath(path);
            IntPtr handle = IsWindows ? OpenOnWindows(path) : IsMac ? OpenOnMac(path, Now) : OpenOnLinux(path, Now);
            if (handle == IntPtr.Zero)
                throw new OcrException("this is no library for this machine: " + path);
            return handle;
        }

        internal static T Function<T>(IntPtr handle, string name, string path)
        {
            IntPtr function = IsWindows ? FindOnWindows(handle, name) : IsMac ? FindOnMac(handle, name) : FindOnLinux(handle, name);
            if (function == IntPtr.Zero)
                throw new OcrException("this library is not ONNX Runtime: " + path);
            return Marshal.GetDelegateForFunctionPointer<T>(function);
        }

        private static bool IsWindows
        {
            get { return RuntimeInformation.IsOSPlatform(OSPlatform.Windows); }
        }

        private static bool IsMac
        {
            get { return RuntimeInformation.IsOSPlatform(OSPlatform.OSX); }
        }
    }
}
