import Glibc

/// Creates and measures folders of a store.
package enum StoreFolder {
    /// Creates a folder and its parents, each accessible to its owner only.
    ///
    /// - Throws: ``StoreError`` with `storeFailed`.
    package static func make(_ path: String) throws(StoreError) {
        var partial = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            partial += (partial.isEmpty || partial.hasSuffix("/") ? "" : "/") + part
            if mkdir(partial, 0o700) != 0, errno != EEXIST {
                throw StoreError(
                    .storeFailed, "cannot create a folder: \(String(cString: strerror(errno)))", path: partial)
            }
        }
    }

    /// The free space on a folder's file system for ordinary users, in bytes; nil if unknown.
    package static func freeBytes(_ path: String) -> UInt64? {
        var facts = statvfs()
        guard statvfs(path, &facts) == 0 else { return nil }
        let (bytes, overflow) = UInt64(facts.f_bavail).multipliedReportingOverflow(by: UInt64(facts.f_frsize))
        return overflow ? UInt64.max : bytes
    }
}
