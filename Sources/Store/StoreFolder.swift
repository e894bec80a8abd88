import Files

/// Creates and measures folders of a store.
package enum StoreFolder {
    /// Creates a folder and its parents, each accessible to its owner only.
    ///
    /// - Throws: ``StoreError`` with `storeFailed`.
    package static func make(_ path: String) throws(StoreError) {
        do throws(FileFailure) { try Folders.make(path) } catch {
            throw StoreError(.storeFailed, "cannot create a folder: \(error.reason)", path: error.path)
        }
    }

    /// The free space on a folder's file system for ordinary users, in bytes; nil if unknown.
    package static func freeBytes(_ path: String) -> UInt64? {
        // Those who ask say that it is unknown, or leave it out.
        try? Folders.space(path).free
    }
}
