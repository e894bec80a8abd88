public import CrashExport
public import Clocks

extension Store {
    /// The state of the service that receives crashes; nil if nothing was ever sent from this machine's folder.
    ///
    /// - Throws: ``StoreError`` with the code `export_unusable`.
    public func exportReport(now: Int64 = WallClock.now()) throws(StoreError) -> CrashExportReport? {
        do throws(ExportError) { return try CrashExportReport.read(store: path, now: now) } catch { throw StoreError(error) }
    }

    /// What was sent to services outside of a session's crashes, what was not and why, and what waits; empty if nothing.
    ///
    /// - Parameter session: the session's full id.
    /// - Throws: ``StoreError`` with the code `export_unusable`.
    public func exports(of session: String) throws(StoreError) -> [ExportEntry] {
        do throws(ExportError) { return try ExportEntry.entries(of: session, store: path) } catch {
            throw StoreError(error)
        }
    }
}

extension StoreError {
    /// Converts an error of the crash export.
    public init(_ error: ExportError) {
        self.init(Code(rawValue: error.code.rawValue), error.message, path: error.path, hint: error.hint, kind: .failed)
    }
}
