/// Which crashes were sent and which were not. It must outlive everything that rebuilds the catalog. A harvest appends to it
/// from one thread; others read.
public protocol ExportLedger: Sendable {
    /// Adds an entry and waits until it is safe. A crash may get several entries; the latest counts.
    ///
    /// - Throws: ``ExportError`` with `exportUnusable` if it cannot be written now; it is tried again.
    func append(_ entry: ExportEntry) throws(ExportError)

    /// The latest entry of each crash of a session; empty if there is none.
    ///
    /// - Throws: ``ExportError`` with `exportUnusable` if it cannot be read now, which does not mean that there is none.
    func entries(of session: String) throws(ExportError) -> [ExportEntry]
}
