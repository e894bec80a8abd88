extension SymbolStore {
    /// Returns the build id of an executable, library or debug file in lower-case hexadecimal digits; nil if the file has
    /// none or is something else.
    ///
    /// - Throws: `CrashError` if the file cannot be read.
    public static func buildID(of path: String) throws(CrashError) -> String? {
        let source = try FileByteSource(path: path)
        let identity = SymbolFile(source)?.buildID
        // What was not read may have been the build id.
        if let failure = source.failure { throw failure }
        return identity
    }

    /// Compares files of one build: 0 for one with code only, 1 with a symbol table, 2 with debug information. Files that
    /// are not ELF have 0.
    ///
    /// - Throws: `CrashError` if the file cannot be read.
    public static func detail(of path: String) throws(CrashError) -> Int {
        let source = try FileByteSource(path: path)
        let detail = SymbolFile(source)?.detail ?? 0
        if let failure = source.failure { throw failure }
        return detail
    }
}

extension SymbolFile {
    /// Compares files of one build: a stripped file must not replace one with symbols.
    var detail: Int { hasDebugInfo ? 2 : section(".symtab") != nil ? 1 : 0 }
}
