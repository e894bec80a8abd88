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
}
