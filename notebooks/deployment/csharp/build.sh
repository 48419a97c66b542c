#!/bin/sh
# Compiles both programs with Mono's mcs: build.sh FOLDER. With the SDK of .NET 8, `dotnet build` does it.
set -eu
target=${1:?where to put the programs}
cd "$(dirname "$0")"
mkdir -p "$target"
mcs -langversion:7 -optimize+ -r:System.Core "-out:$target/ocr.exe" ./*.cs
mcs -langversion:7 -optimize+ -r:System.Net.Http -r:System.Runtime.Serialization "-out:$target/client.exe" client/*.cs
