/// Tells modules of the system and its runtimes from those of the program.
enum SystemModules {
    private static let patterns = NamePatterns(native + TextReportFormats.all.flatMap(\.runtime.modules))

    private static let native = [
        "libc.so*", "libc-2*", "libc.musl*", "ld-musl*", "libpthread*", "libstdc++*", "libgcc_s*", "ld-linux*", "ld-2*",
        "ld.so*", "ld64.so*", "libm.so*", "libm-2*", "libdl.so*", "libdl-2*", "librt.so*", "librt-2*", "libthr.so*",
        "linux-vdso*", "linux-gate*", "[vdso]", "[vsyscall]", "libunwind*", "libbacktrace*", "libc++*", "libsystem_*",
        "libdyld*", "dyld", "libobjc.A*", "linker64", "linker", "libart.so", "ntdll*", "kernel32*", "kernelbase*",
        "ucrtbase*", "vcruntime*", "msvcp1*", "msvcr*", "user32*", "win32u*", "wow64*", "dbghelp*", "[stdlib]",
    ]

    /// The C library and its equivalents. An unnamed frame in them between two of the program may be the return from a
    /// signal handler.
    private static let libraryOfC = NamePatterns([
        "libc.so*", "libc-2*", "libc.musl*", "ld-musl*", "libpthread*", "linux-vdso*", "linux-gate*", "[vdso]",
    ])

    static func contains(_ module: String?) -> Bool {
        guard let module, !module.isEmpty else { return false }
        let name = baseName(module)
        return patterns.matches(name) || patterns.matches(name.lowercased())
    }

    static func isLibraryOfC(_ module: String?) -> Bool {
        module.map { libraryOfC.matches(baseName($0)) } ?? false
    }

    /// The file name, without folders and without the mark of a file that was deleted or replaced while it ran.
    static func baseName(_ path: String) -> String {
        var name = path[...]
        if let slash = name.lastIndex(where: { $0 == "/" || $0 == "\\" }), slash != name.indices.last {
            name = name[name.index(after: slash)...]
        }
        if name.hasSuffix(" (deleted)") { name = name.dropLast(10) }
        return String(name)
    }
}
